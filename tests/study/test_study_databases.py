"""Studies whose data are in a database: read, made again where the tables change, and no password written."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from study_cases import SMALL, lay_out, run, states

import spatial as sp
from spatial.study import data as study_data
from spatial.study.run import StudyError, check_study

SECRET = "s3cret%40word"
ADDRESS = f"postgresql://anna:{SECRET}@host:5432/db?schema=gis"
PUBLIC = "postgresql://anna:***@host:5432/db?schema=gis"
TEXT = SMALL.replace('file = "map.gpkg"', f'file = "{ADDRESS}"\nlayer = "gis.cities"').replace(
    'file = "panel.csv"', f'file = "{ADDRESS}"\ntable = "years"'
)


class Database:
    """The readers, with files in place of a server."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.folder, self.asked = folder, []
        self.cities, self.panel = sp.read_cities, sp.read_panel
        monkeypatch.setattr(study_data, "read_cities", self.read_cities)
        monkeypatch.setattr(study_data, "read_panel", self.read_panel)

    def read_cities(self, source: Any, *, layer: Any, **options: Any) -> Any:
        self.asked.append((source, layer))
        return self.cities(self.folder / "map.gpkg", **options)

    def read_panel(self, source: Any, *, sheet: Any, **options: Any) -> Any:
        self.asked.append((source, sheet))
        return self.panel(self.folder / "panel.csv", **options)


@pytest.fixture
def database(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Database:
    (tmp_path / "server").mkdir()
    lay_out(tmp_path / "server")
    (tmp_path / "study").mkdir()
    (tmp_path / "study" / "study.toml").write_text(TEXT, encoding="utf-8")
    return Database(tmp_path / "server", monkeypatch)


def problems(path: Path, text: str) -> dict[str, str]:
    path.write_text(text, encoding="utf-8")
    with pytest.raises(StudyError) as caught:
        check_study(path)
    assert "s3cret" not in str(caught.value)
    return {p.place: p.message for p in caught.value.problems}


@pytest.mark.slow
def test_the_address_is_passed_on_and_no_password_is_written(database: Database, tmp_path: Path) -> None:
    folder, record, shown = run(tmp_path / "study" / "study.toml")
    assert database.asked == [(ADDRESS, "gis.cities"), (ADDRESS, "years")]
    assert record["inputs"] == {PUBLIC: "not hashed: not a file"}
    assert record["settings"]["data"]["cities"]["file"] == PUBLIC
    assert record["settings"]["data"]["panel"]["file"] == PUBLIC
    assert record["failed"] == {}
    for path in folder.rglob("*"):
        assert path.is_dir() or b"s3cret" not in path.read_bytes(), path
    assert "s3cret" not in shown
    same, _, _ = run(tmp_path / "server" / "study.toml", only="diagnostics")
    one, two = (pd.read_csv(f / "tables" / "moran_ly.csv") for f in (folder, same))
    pd.testing.assert_frame_equal(one, two)


def test_tables_that_changed_are_noticed(database: Database, tmp_path: Path) -> None:
    path = tmp_path / "study" / "study.toml"
    run(path, only=["weights", "data"])
    _, record, _ = run(path, only=["weights", "data"])
    assert states(record)["data"] == states(record)["weights: W"] == "unchanged"
    panel = pd.read_csv(database.folder / "panel.csv")
    panel.loc[0, "x"] += 1.0
    panel.to_csv(database.folder / "panel.csv", index=False)
    _, record, _ = run(path, only=["weights", "data"])
    assert states(record)["data"] == states(record)["weights: W"] == "done"
    # Another password for the same tables makes nothing again.
    path.write_text(TEXT.replace(SECRET, "other"), encoding="utf-8")
    _, record, _ = run(path, only=["weights", "data"])
    assert states(record)["data"] == "unchanged"


@pytest.mark.parametrize("said", [ADDRESS, SECRET, "s3cret@word"])
def test_what_a_reader_says_is_shown_without_the_password(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, said: str
) -> None:
    def refused(*_: Any, **__: Any) -> Any:
        raise sp.SpatialError(f"no answer from {said}")

    monkeypatch.setattr(study_data, "read_cities", refused)
    found = problems(tmp_path / "study.toml", TEXT)
    assert found["data"] == f"no answer from {PUBLIC if said == ADDRESS else '***'}"


@pytest.mark.parametrize(
    ("old", "new", "place", "message"),
    [
        (f'file = "{ADDRESS}"\nlayer', f'file = "{ADDRESS.replace("sql", "")}"\nlayer', "data", "anna:***@"),
        ("[data.cities]", '[data]\nsample = "nc"\n[data.cities]', "data", "and not both"),
        ('table = "years"', 'table = "years"\nsheet = 1', "data.panel", "table= is of a database"),
        (f'"{ADDRESS}"\ntable', '"panel.csv"\ntable', "data.panel", "table= is of a database"),
        ('language = "en"', "", "language", "anna:***@"),
        ('spec = "rook"', f'spec = "{ADDRESS}"', "weights.W.spec", "anna:***@"),
        ("share = 0.02", f'share = "{ADDRESS}"', "cleaning[0].share", "anna:***@"),
    ],
)
def test_problems_hide_passwords(
    database: Database, tmp_path: Path, old: str, new: str, place: str, message: str
) -> None:
    text = TEXT.replace(old, new, 1)
    if place == "language":
        text = f'language = "{ADDRESS}"\n' + TEXT
    assert text != TEXT
    assert message in problems(tmp_path / "study" / "study.toml", text)[place]
    assert database.folder.exists()
