"""Rows of evidence, as the tests wrote them (``make evidence``); see ``tests/evidence_recorder.py``."""

from __future__ import annotations

import json
from functools import cache
from importlib.resources import files
from typing import Any

import pandas as pd

from spatial.errors import DataError, did_you_mean, hinted

__all__ = ["COLUMNS", "evidence", "rows_of_result"]

COLUMNS = (
    "name", "kind", "source", "version", "values", "worst", "measured", "differs", "test", "command", "date",
)  # fmt: skip


@cache
def _rows() -> pd.DataFrame:
    compared = pd.DataFrame(_lines("evidence.jsonl"))
    compared["command"] = "make evidence"
    classes = dict(zip(compared["name"], compared["result"], strict=True))
    sizes = pd.DataFrame(
        [
            {**_measured(line), "name": name, "result": classes.get(name, "")}
            for line in _lines("sizes.jsonl")
            for name in line["names"]
        ]
    )
    rows = pd.concat([compared, sizes], ignore_index=True).fillna({"differs": "", "version": ""})
    return rows.sort_values("name", kind="stable", ignore_index=True)


def _lines(file: str) -> list[dict[str, Any]]:
    text = files(__package__).joinpath(file).read_text(encoding="utf-8")
    return [json.loads(line) for line in text.splitlines()]


def _measured(line: dict[str, Any]) -> dict[str, Any]:
    """Return a measured size, or coverage, as a row of evidence."""
    of = "coverage" if line["low"] > 0.5 else "size at 5 %"
    return {
        "kind": "simulation",
        "source": f"{line['test']}: {line['design']}",
        "values": line["draws"],
        "measured": f"{of} {line['share']:.3f} (asked: {line['low']:g}-{line['high']:g})",
        "test": line["test"],
        "command": "make sizes",
        "date": line["date"],
    }


@hinted
def evidence(name: str | None = None) -> pd.DataFrame:
    """Return what a function was checked against: one row for each source.

    The rows are written by the tests themselves, so that none claims what does not run.

    Parameters
    ----------
    name : str, optional
        A public function, class or method, as ``"moran"``, ``"weights.knn"``, ``"gs3sls"``; all without it.

    Returns
    -------
    DataFrame
        ``name``; ``kind``: ``reference`` (numbers of another program or of a publication), ``hand`` (worked
        out on paper), ``identity`` (an equation that must hold exactly) or ``simulation`` (bias, coverage,
        size); ``source``; ``version`` of the programs that ran; ``values``, how many numbers were compared
        (0 where whole objects were), or samples drawn; ``worst``, the largest difference, relative to the
        largest number expected (NaN for a simulation); ``measured``, what a simulation found; ``differs``, a
        known difference and its reason; ``test`` that compares; ``command`` that runs it and writes the row;
        ``date``, when it last did.

    Raises
    ------
    DataError
        If nothing is known by that name.

    Examples
    --------
    >>> evidence("moran")[["kind", "source"]].iloc[0].tolist()
    ['reference', 'spdep 1.4.2 moran.test, columbus']
    """
    rows = _rows()
    if name is not None:
        full, method = rows["name"].str.partition(":")[0], rows["name"].str.partition(":")[2]
        last = full.str.split(".").str[-1]
        rows = rows[(rows["name"] == name) | (full == name) | (last == name) | (method == name)]
        if rows.empty:
            raise DataError(f"There is no evidence of {name!r}.{did_you_mean(name, _spoken_names())}")
        # A function before methods of that name.
        rows = rows.loc[full[rows.index].ne(name).sort_values(kind="stable").index]
    return rows[list(COLUMNS)].reset_index(drop=True)


def _spoken_names() -> list[str]:
    names = _rows()["name"]
    last = names.str.split(".").str[-1].str.partition(":")
    return sorted({*names, *last[0], *last[2]} - {""})


def rows_of_result(kind: str, method: str = "") -> pd.DataFrame:
    """Return the evidence of a method, or where it has none of its own, of the functions that return a class.

    Examples
    --------
    >>> rows_of_result("SystemFit", "gs3sls")["name"].unique().tolist()
    ['models.SpatialSystem:gs3sls']
    >>> rows_of_result("LeeL")["name"].unique().tolist()
    ['lee']
    """
    rows = _rows()
    own = rows["name"].str.partition(":")[2]
    of_class = rows["result"] == kind
    chosen = of_class & (own == method) if method else of_class
    return rows.loc[chosen if chosen.any() else of_class, list(COLUMNS)].reset_index(drop=True)
