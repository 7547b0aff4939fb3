"""Tables of papers in files beside the study."""

from __future__ import annotations

from pathlib import Path

import pytest
from study_cases import STUDY, lay_out, run

from spatial.study.run import StudyError, check_study

TABLE = """
[printed.paper]
source = "A paper, Table 3"
file = "table3.csv"
[tables.checked]
kind = "check"
of = ["paper"]
formats = ["md"]
"""
TYPED = """
[printed.paper]
source = "A paper, Table 3"
columns = ["equation", "term", "coefficient", "t"]
rows = [["y", "x", "0.033***", "4.72"], ["y", "z", "-0.041**", "2.54"]]
[tables.checked]
kind = "check"
of = ["paper"]
formats = ["md"]
"""
SMALL = STUDY[: STUDY.index("[[diagnostics]]")]


def test_a_printed_table_may_be_a_file(tmp_path: Path) -> None:
    """It says what the same rows say that are typed into the study; a change of the file is seen."""
    file = tmp_path / "table3.csv"
    file.write_text(
        "equation,term,coefficient,t\ny,x,0.033***,4.72\ny,z,-0.041**,2.54\n", encoding="utf-8-sig"
    )
    path = lay_out(tmp_path, SMALL + TABLE)
    out, _, _ = run(path)
    found = (out / "tables" / "checked.md").read_text(encoding="utf-8")
    assert "sign" in found
    path.write_text(SMALL + TYPED, encoding="utf-8")
    typed, _, _ = run(path, out=tmp_path / "typed")
    assert (typed / "tables" / "checked.md").read_text(encoding="utf-8") == found
    path.write_text(SMALL + TABLE, encoding="utf-8")
    file.write_text(file.read_text(encoding="utf-8").replace("2.54", "-2.54"), encoding="utf-8")
    _, record, _ = run(path)
    assert record["steps"]["tables: checked"]["state"] == "done"
    assert "sign" not in (out / "tables" / "checked.md").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("text", "content", "said"),
    [
        (TABLE, None, "there is no file 'table3.csv' in the study's folder"),
        (TABLE, "a,b\n1,2\n1,2,3,4\n", "row 2: 4 cells for 2 columns: a, b"),
        (TABLE, "", "cannot read 'table3.csv' as CSV"),
        (TABLE.replace("[tables", 'rows = [["y", "x", "1", "2"]]\n[tables'), "a\n1\n", "two ways to give"),
    ],
)
def test_a_file_that_is_no_table_is_refused(
    tmp_path: Path, text: str, content: str | None, said: str
) -> None:
    if content is not None:
        (tmp_path / "table3.csv").write_text(content, encoding="utf-8")
    with pytest.raises(StudyError, match=said):
        check_study(lay_out(tmp_path, SMALL + text))
