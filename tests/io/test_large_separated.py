"""The compiled pass over large files gives what pandas gives, cell by cell, or leaves the file to it."""

from __future__ import annotations

import math
import random
import struct
from pathlib import Path

import numba as nb
import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

import spatial as sp
from spatial.errors import DataError
from spatial.io import separated
from spatial.io.cells import decimals
from spatial.io.frames import Options, Table

CELLS = (
    "1", "-7", "0", "-0", "+5", "007", "9223372036854775807", "9223372036854775808", "-9223372036854775808",
    "12345678901234567890123", "1.5", "-0.0", ".5", "5.", "1e5", "1E+05", "2.5e-7", "1e400", "1e-400",
    "0.1234567890123456789", "123456789.123456789", "0.00000000000000000000012345", "1e22", "1e23", "1e",
    "inf", "-Infinity", "nan", "NA", "N/A", "", ".", "<NA>", "None", "NULL", "-nan", "True", "False", "TRUE",
    " 1", "1 ", "\t2", "  ", "x", "Namibia", "北京", "long text beyond a key", "long text beyond a kez",
    '"quoted"', '"1"', '""', '"a,b"', '"two\nlines"', '"say ""so"""', '5"', "1_000", "0x1F", "1,5", "a;b",
    "2001-03", "—", "é" * 5,
)  # fmt: skip


def both(path: Path, options: Options) -> list[Table | str]:
    """Read by the compiled pass, then without it; a refusal gives its message."""
    out: list[Table | str] = []
    for large in (1, 1 << 60):
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(separated, "_LARGE", large)
            try:
                out.append(separated.read_csv(path, options))
            except DataError as error:
                out.append(str(error))
            except pd.errors.ParserError as error:
                out.append(f"pandas: {error}")
    return out


def same(path: Path, options: Options) -> pd.DataFrame | None:
    """Check that both ways agree, and return the table."""
    compiled, counted = both(path, options)
    if isinstance(compiled, str) or isinstance(counted, str):
        assert compiled == counted
        return None
    frame = compiled.frame.copy()
    for name in frame.select_dtypes("category").columns:
        frame[name] = frame[name].astype(frame[name].cat.categories.dtype)
    pd.testing.assert_frame_equal(frame, counted.frame, check_exact=True)
    for name in frame.select_dtypes(float).columns:  # minus zero too
        assert (np.signbit(frame[name]) == np.signbit(counted.frame[name])).all()
    assert compiled.notes == counted.notes
    return frame


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    rows=st.lists(st.lists(st.sampled_from(CELLS), min_size=3, max_size=3), min_size=1, max_size=6),
    repeats=st.integers(1, 3),
    ragged=st.sampled_from(("", "", "", "1,2\n", "1,2,3,4\n", "1,2,3,\n", "\n", "  \n", "a,2000,", "#")),
    end=st.sampled_from(("\n", "\r\n", "\r")),
    mark=st.sampled_from(("", "\ufeff")),
    decimal=st.sampled_from((".", ".", ",")),
    separator=st.sampled_from((",", ";", "\t")),
)
@example([["a", "2000", "1"]], 1, "", "\n", "", ".", ",")
def test_each_cell_is_what_pandas_makes_of_it(
    tmp_path: Path,
    rows: list[list[str]],
    repeats: int,
    ragged: str,
    end: str,
    mark: str,
    decimal: str,
    separator: str,
) -> None:
    lines = [separator.join(row) for row in rows for _ in range(repeats)]
    text = mark + end.join([separator.join(("city", "year", "x")), *lines, ragged.replace("\n", end)])
    path = tmp_path / "a.csv"
    path.write_bytes(text.encode())
    same(path, Options("city", time="year", decimal=decimal))
    same(path, Options("", time="", decimal=decimal))


def test_plain_rows_are_read_by_the_compiled_pass(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "a.csv"
    lines = [f"{city:06d},{year},{city / 7!r},{city * year},第{year}年,{'' if year % 2 else -city}"
             for city in range(110000, 110300) for year in range(2000, 2040)]  # fmt: skip
    path.write_text("\n".join(["city,year,x,jobs,text,gap", *lines]), encoding="utf-8")
    monkeypatch.setattr(separated, "_counted_first", None)
    monkeypatch.setattr(separated, "_LARGE", 1)
    panel = sp.read_panel(path, unit="city", time="year")
    assert panel.frame.index.is_monotonic_increasing
    assert panel.frame.index.is_unique
    assert panel["x"].tolist() == [city / 7 for city in range(110000, 110300) for _ in range(40)]
    assert panel.frame.dtypes.astype(str).tolist() == ["float64", "int64", "str", "float64"]
    assert panel["gap"].isna().sum() == 300 * 20


def test_rows_beyond_the_first_look_may_say_otherwise(tmp_path: Path) -> None:
    numbers = [f"{k % 700},{2000 + k // 700},{k}" for k in range(30_000)]
    for late in ("0.5", "", "none", "1e300", "99999999999999999999"):
        path = tmp_path / "a.csv"
        path.write_text("\n".join(["city,year,x", *numbers, f"700,2000,{late}", ""]), encoding="utf-8")
        frame = same(path, Options("city", time="year"))
        assert frame is not None
        assert len(frame) == 30_001


def test_texts_of_many_kinds_enlarge_the_table(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    rows = [f"unit {k:05d} of a long name,{2000 + k % 3},{k}" for k in range(40_000)]
    path.write_text("\n".join(["city,year,x", *rows, *rows[:10], ""]), encoding="utf-8")
    frame = same(path, Options("city", time="year"))
    assert frame is not None
    assert frame["city"].nunique() == 40_000


def test_a_repeated_row_of_a_large_file_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(separated, "_LARGE", 1)
    path = tmp_path / "a.csv"
    path.write_text("city,year,x\n01,2000,1\n1,2000,2\n01,2000,3\n", encoding="utf-8")
    with pytest.raises(DataError, match=r"these pairs repeat: \('01', 2000\)"):
        sp.read_panel(path, unit="city", time="year")
    path.write_text("city,year,x\n,2000,1\n1,2000,2\n", encoding="utf-8")
    with pytest.raises(DataError, match=r"1 of 2 are missing, at rows 0 "):
        sp.read_panel(path, unit="city", time="year")


@nb.njit
def _nearest(w, q, out):  # type: ignore[no-untyped-def]
    for k in range(len(w)):
        out[k] = decimals.nearest(w[k], q[k], decimals.FIVES)


def test_decimals_become_the_nearest_double() -> None:
    """Python's float() rounds correctly (David Gay's algorithm), to the even one half way."""
    rng = random.Random(0)
    pairs = [(rng.randrange(1, 10 ** rng.randint(1, 19)), rng.randint(-80, 80)) for _ in range(40_000)]
    for _ in range(40_000):  # 17 digits as they are written for doubles
        digits, power = f"{rng.random() * 10 ** rng.randint(-20, 20):.16e}".split("e")
        pairs.append((int(digits.replace(".", "")), int(power) - 16))
    for _ in range(40_000):  # half way between two doubles
        w = (rng.randrange(2**53, 2**54) | 1) << rng.randint(0, 9)
        five = 5 ** rng.randint(0, 4)
        pairs.append((w // five, round(math.log(five, 5))) if w % five == 0 else (w, 0))
    bits = np.zeros(len(pairs), dtype=np.uint64)
    _nearest(np.array([w for w, _ in pairs], dtype=np.uint64), np.array([q for _, q in pairs]), bits)
    wanted = [struct.unpack("<Q", struct.pack("<d", float(f"{a}e{b}")))[0] for a, b in pairs]
    sure = bits != 0
    assert sure.mean() > 0.99
    assert (bits[sure] == np.array(wanted, dtype=np.uint64)[sure]).all()
