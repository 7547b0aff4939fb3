"""The tab key in real shells: bash and zsh, driven through a terminal of their own."""

from __future__ import annotations

import os
import pty
import re
import select
import shutil
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from spatial.cli import completion

SHELLS = {
    "bash": (["bash", "--norc", "--noprofile", "-i"], ['eval "$(_SPATIAL_COMPLETE=source_bash spatial)"']),
    "zsh": (
        ["zsh", "-f", "-i"],
        [
            "PS1='READY> '; autoload -U compinit; compinit -u -D",
            'eval "$(_SPATIAL_COMPLETE=source_zsh spatial)"',
        ],
    ),
}


class Terminal:
    """A shell that reads keys and shows a screen."""

    def __init__(self, file: int) -> None:
        self.file = file

    def press(self, keys: str, shown: str, seconds: float = 60) -> str:
        """Press keys and return what the screen shows, once it holds a pattern."""
        os.write(self.file, keys.encode())
        found, end = "", time.monotonic() + seconds
        while time.monotonic() < end:
            if select.select([self.file], [], [], 0.1)[0]:
                found += os.read(self.file, 65536).decode(errors="replace")
            if re.search(shown, found):
                return found
        raise AssertionError(f"after {keys!r} the screen shows {found!r}, not {shown!r}")


@contextmanager
def shell(name: str, folder: Path) -> Iterator[Terminal]:
    program, setup = SHELLS[name]
    places = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    environment = {**os.environ, "PATH": places, "PS1": "READY> ", "TERM": "dumb", "HOME": str(folder)}
    child, file = pty.fork()
    if child == 0:  # pragma: no cover - the shell
        os.chdir(folder)
        os.execvpe(program[0], program, environment)
    terminal = Terminal(file)
    try:
        terminal.press("", r"READY> |[#%] ?$")
        for line in setup:
            terminal.press(line + "\r", r"\n(?:.*\r)?READY> ")
        yield terminal
    finally:
        os.close(file)
        os.waitpid(child, 0)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["bash", "zsh"])
def test_the_tab_key_completes_commands_options_values_and_columns(name: str, tmp_path: Path) -> None:
    if not shutil.which(name):
        pytest.skip(f"no {name} is installed")
    (tmp_path / "nearby.gpkg").touch()
    with shell(name, tmp_path) as terminal:
        terminal.press("spatial mor\t", r"moran ")
        terminal.press("n\t\t", r"(?s)nc.*nearby\.gpkg|nearby\.gpkg.*nc")
        terminal.press("\x15spatial moran nc bir7\t\t", r"(?s)bir74.*bir79")
        terminal.press("\x15spatial moran nc bir74 --alternative ge\t", r"geoda")


def test_what_is_offered() -> None:
    assert completion.public("weights.distance_b") == ["weights.distance_band"]
    assert completion.public("moran_sc") == ["moran_scatter"]
    assert completion.shipped("nc") == ["nc", "nc_crime"]


def test_files_and_folders_stand_beside_samples(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "n").mkdir()
    for name in ("n/a.csv", "n/b.gpkg", "notes.txt", "north.geojson"):
        (tmp_path / name).write_text("", encoding="utf-8")
    assert completion.maps("n") == ["nc", "n/", "north.geojson"]
    assert completion.maps("n/") == ["n/b.gpkg"]
    assert completion.panels("n/") == ["n/a.csv"]


def test_columns_are_those_of_the_files_on_the_line(tmp_path: Path) -> None:
    class Line:
        params = {"file": "nc", "panel": str(tmp_path / "panel.csv")}  # noqa: RUF012

    (tmp_path / "panel.csv").write_text("\ufefffips,year,birds\n1,2000,3\n", encoding="utf-8")
    assert completion.columns(Line, "bir") == ["bir74", "bir79", "birds"]  # type: ignore[arg-type]
    assert completion.columns(Line, "sid74,bir7") == ["sid74,bir74", "sid74,bir79"]  # type: ignore[arg-type]
    Line.params = {"file": str(tmp_path / "absent.gpkg"), "panel": None}  # type: ignore[dict-item]
    assert completion.columns(Line, "") == []  # type: ignore[arg-type]
