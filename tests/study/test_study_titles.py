"""Tables and figures under a title in the language of the study; Monte Carlo at full size."""

from __future__ import annotations

from pathlib import Path

import pytest
from study_cases import STUDY, lay_out, run

from spatial.errors import SpatialError
from spatial.study.quick import filled
from spatial.study.run import StudyError, check_study, run_study
from spatial.study.shipped import PAPERS, shipped_study

HEAD = STUDY[: STUDY.index("[[diagnostics]]")]
TEXT = """
[measures.Res]
kind = "entropy_index"
positive = ["x"]
negative = ["z"]
dimensions = { a = ["x"], b = ["z"] }
labels = { a = { en = "Resist", zh = "抵抗" }, b = { en = "Adapt", zh = "适应" } }
[regressions]
base = { formula = "ly ~ x + z" }
[printed.p]
source = "某文 表2"
en = "Somebody, Table 2"
moments = { x = [0.0, 1.0, -1.0, 1.0] }
[tables]
"表1 基准" = { en = "Table 1. Baseline", kind = "regression", fits = ["base"], formats = ["md"] }
"表2 指标" = { en = "Table 2. Index", kind = "index", of = ["Res"], formats = ["md"] }
"表3 描述" = { en = "Table 3. Range", kind = "descriptive", columns = ["x"], printed = "p" }
plain = { kind = "regression", fits = ["base"], formats = ["md"] }
[figures]
"图1 密度" = { en = "Figure 1. Map", kind = "density", column = "x" }
"""


@pytest.mark.parametrize(
    ("language", "tables", "figure", "dimension", "source"),
    [
        ("en", ["Table 1. Baseline", "Table 2. Index", "Table 3. Range"], "Figure 1. Map", "Resist", "Some"),
        ("zh", ["表1 基准", "表2 指标", "表3 描述"], "图1 密度", "抵抗", "某文 表2"),
    ],
)  # fmt: skip
def test_titles_and_files_are_in_the_language_of_the_study(
    tmp_path: Path, language: str, tables: list[str], figure: str, dimension: str, source: str
) -> None:
    out, record, _ = run(lay_out(tmp_path, f'language = "{language}"\n' + HEAD + TEXT))
    assert record["failed"] == {}
    shown = {p.stem: p.read_text(encoding="utf-8") for p in (out / "tables").glob("*.md")}
    assert set(shown) == {*tables, "plain"}
    for name in tables:
        assert shown[name].startswith(f"**{name}**")
    assert not shown["plain"].startswith("**")
    assert dimension in shown[tables[1]]
    assert source in shown[tables[2]]
    assert [p.stem for p in (out / "figures").iterdir()] == [figure]


def test_two_tables_of_one_file_are_refused(tmp_path: Path) -> None:
    text = TEXT.replace('en = "Table 2. Index"', 'en = "table 1. baseline"')
    assert check_study(lay_out(tmp_path / "zh", 'language = "zh"\n' + HEAD + text)) is not None
    with pytest.raises(StudyError, match=r"tables\..*表2.*: its file 'table 1. baseline' is that"):
        check_study(lay_out(tmp_path / "en", HEAD + text))
    wrong = TEXT.replace('b = { en = "Adapt"', 'c = { en = "Adapt"')
    with pytest.raises(StudyError, match=r"measures\.Res\.labels\.c: 'c' is no dimension; they are a, b"):
        check_study(lay_out(tmp_path / "labels", HEAD + wrong))


def test_a_full_run_has_more_draws_in_a_folder_of_its_own(tmp_path: Path) -> None:
    with pytest.raises(SpatialError, match="quick or full"):
        run_study(lay_out(tmp_path, HEAD), quick=True, full=True)
    for name in PAPERS:
        study = check_study(shipped_study(name))
        (part,) = study.monte_carlo
        assert part.small < part.replications < part.full
        assert filled(study).monte_carlo[0].replications == part.full
        assert filled(study).output == f"out/{name}-full"


@pytest.mark.parametrize("name", PAPERS)
def test_every_word_of_a_paper_is_in_both_languages(name: str) -> None:
    """What readers see of a shipped study in English has no Chinese left."""
    study = check_study(shipped_study(name))

    def seen(part: object) -> list[str]:
        if isinstance(part, dict):
            said = [part["en"] or ""] if part.get("zh") else []
            return said + [text for one in part.values() for text in seen(one)]
        return [text for one in part for text in seen(one)] if isinstance(part, list) else []

    labels = seen(study.model_dump())
    assert len(labels) > 20
    assert all(label and label.isascii() for label in labels), [x for x in labels if not x.isascii() or not x]
    for part in (*study.tables, *study.figures):
        assert part.file("en").isascii()
