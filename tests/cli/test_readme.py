"""The lines of the first page, run as they stand from an empty folder."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest

from spatial.cli.commands import main

README = Path(__file__).parents[2] / "README.md"


def shell_lines() -> list[str]:
    """Return the lines of shell, and the commands named in the sentence about studies."""
    text = README.read_text(encoding="utf-8")
    block = re.search(r"## Five lines of shell\n\n((?:    .*\n)+)", text)
    assert block is not None
    lines = [line.strip() for line in block[1].splitlines()]
    return lines + re.findall(r"`(spatial (?:new|check|run) study\.toml)`", text)


@pytest.mark.slow
@pytest.mark.filterwarnings("always::spatial.errors.SpatialWarning")
def test_the_lines_of_shell_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    lines = shell_lines()
    assert len(lines) == 8
    for line in lines:
        program, *words = shlex.split(line, comments=True)
        assert program == "spatial"
        with pytest.raises(SystemExit) as stopped:
            main(words)
        assert not stopped.value.code, line
    for name in ("out/run.json", "out/figures/clusters_bir74.png", "out/gis/moran.qgz", "nc.gal", "nc.png"):
        assert (tmp_path / name).stat().st_size > 100


@pytest.mark.slow
@pytest.mark.filterwarnings("always::spatial.errors.SpatialWarning")
def test_the_lines_of_python_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    blocks = re.findall(r"```python\n(.*?)```", README.read_text(encoding="utf-8"), re.DOTALL)
    assert len(blocks) == 2
    for block in blocks:
        exec(compile(block, "README.md", "exec"), {})
    shown = capsys.readouterr().out
    assert "Moran's I of bir74" in shown
    assert "direct" in shown
    assert (tmp_path / "clusters.gpkg").exists()
