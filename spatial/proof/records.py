"""Rows of evidence, as the tests wrote them (``make evidence``); see ``tests/evidence_recorder.py``."""

from __future__ import annotations

import json
from functools import cache
from importlib.resources import files

import pandas as pd

from spatial.errors import DataError, did_you_mean

__all__ = ["COLUMNS", "evidence", "rows_of_result"]

COLUMNS = ("name", "kind", "source", "values", "worst", "differs", "test", "date")


@cache
def _rows() -> pd.DataFrame:
    text = files(__package__).joinpath("evidence.jsonl").read_text(encoding="utf-8")
    return pd.DataFrame([json.loads(line) for line in text.splitlines()])


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
        size); ``source``; ``values``, how many numbers were compared (0 where whole objects were); ``worst``,
        the largest difference, relative to the largest number expected (NaN for a simulation);
        ``differs``, a known difference and its reason; ``test``, the test that compares; ``date``, when it
        last wrote the row.

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
