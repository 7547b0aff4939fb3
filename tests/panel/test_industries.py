"""Tables of industries: wide and long, letters and names of three editions of GB/T 4754."""

from __future__ import annotations

from typing import Any

import pandas as pd
import pytest

import spatial as sp
from spatial.panel.industries import read_reference
from spatial.panel.industry_codes import EDITIONS, SECTIONS, section_names

LONG = pd.DataFrame(
    [("a", 2010, "B", 3.0), ("a", 2010, "制造业", 7.0), ("b", 2010, "制造业", 5.0), ("b", 2010, "B", 2.0)],
    columns=["city", "year", "industry", "jobs"],
)


def read(frame: pd.DataFrame, **options: Any) -> Any:
    given = {"unit": "city", "time": "year", "industry": "industry", "value": "jobs", **options}
    return sp.read_industries(frame, **given)


@pytest.mark.evidence(
    "read_industries", source="a long and a wide table of one industry table", kind="identity"
)
def test_long_and_wide_are_one_table() -> None:
    long = read(LONG)
    wide = pd.DataFrame({"city": ["a", "b"], "year": 2010, "采掘业": [3.0, 2.0], "C": [7.0, 5.0]})
    same = sp.read_industries(wide, unit="city", time="year")
    pd.testing.assert_frame_equal(long.frame, same.frame)
    assert "采掘业 is 采矿业" in same.history[-1].detail
    kept = sp.read_industries(wide, unit="city", time="year", codes="as named")
    assert list(kept.columns) == ["采掘业", "C"]
    one = read(LONG, columns=["B"], codes="as named")
    assert list(one.columns) == ["B"]


def test_letters_mean_what_their_edition_says() -> None:
    # Annexes of GB/T 4754-2002, -2011 and -2017: F to I changed places in 2011, others kept theirs.
    old, new = (section_names("ABCDEFGHIJKLMNOPQRST", codes) for codes in ("GB/T 4754-2002", EDITIONS[0]))
    assert {letter for letter in old if old[letter] != new[letter]} == set("FGHI")
    assert [old[x] for x in "FGHI"] == [
        "交通运输仓储和邮政业",
        "信息传输软件和信息技术服务业",
        "批发和零售业",
        "住宿和餐饮业",
    ]
    assert section_names("FG", EDITIONS[1]) == section_names("FG", EDITIONS[0])
    assert len(SECTIONS) == 20
    assert section_names(["J 金融业", "I信息", "gdp"]) == {"J 金融业": "金融业"}


@pytest.mark.parametrize(
    ("frame", "options", "message"),
    [
        (LONG, {"value": None}, "needs industry= and value="),
        (LONG, {"value": "job"}, "Did you mean 'jobs'?"),
        (pd.concat([LONG, LONG[:1]]), {}, r"these repeat: \('a', 2010, 'B'\)"),
        (LONG.assign(jobs=-1.0), {}, r"cannot be negative; 4 are: \('a', 2010, '采矿业'\)"),
        (LONG.assign(industry=["B", "采矿业"] * 2), {}, "are the same section of GB/T 4754-2017, 采矿业"),
        (LONG, {"codes": "GB/T 4754-2007"}, "Did you mean 'GB/T 4754-20"),
        (LONG[["city", "year"]][1:3], {"industry": None, "value": None}, "no column of numbers"),
    ],
)
def test_tables_that_cannot_be(frame: pd.DataFrame, options: dict[str, Any], message: str) -> None:
    with pytest.raises(sp.SpatialError, match=message):
        read(frame, **options)


@pytest.mark.evidence("read_reference", source="a national table by hand", kind="hand")
def test_the_nations_table_has_the_same_industries() -> None:
    nation = pd.DataFrame({"year": [2010], "C": [50.0], "B": [9.0]})
    assert read_reference(nation, time="year", columns=["采矿业", "制造业"]).loc[2010].tolist() == [9.0, 50.0]
    with pytest.raises(sp.SpatialError, match="lacks industries of the table: '教育'"):
        read_reference(nation, time="year", columns=["采矿业", "教育"])
    with pytest.raises(sp.SpatialError, match=r"no column 'yaer'\. Did you mean 'year'"):
        read_reference(nation, time="yaer", columns=["采矿业"])
