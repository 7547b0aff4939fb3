"""Single links added and cut: by pairs, a table, or a file of one."""

from __future__ import annotations

import io
import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import scipy.sparse as sparse
from numpy.typing import NDArray

from spatial.errors import AlignmentError, WeightsError, name_ids
from spatial.ids.alignment import as_float
from spatial.ids.matching import in_kind_of
from spatial.io.encoding import decode, sniff

from .conversion import HEADS, STRENGTHS, TAILS
from .meta import HasLinks, Meta

__all__ = ["edited"]

Rows = NDArray[np.intp]


def edited(base: HasLinks, add: Any, cut: Any, *, both_ways: bool) -> tuple[sparse.csr_array, Meta]:
    """Return the links with some added and some cut; see `Weights.edit`."""
    if base.meta.normalization != "none":
        raise WeightsError(
            f"Links are edited before weights are normalised; these are ({base.meta.normalization!r}). Edit "
            "the weights that they were made of, then normalise again."
        )
    matrix, n = sparse.csr_array(base.sparse, copy=True), len(base.ids)
    cut_i, cut_j, _ = _links(cut, base, "cut", both_ways)
    i, j, w = _links(add, base, "add", both_ways)
    there = np.repeat(np.arange(n, dtype=np.int64), np.diff(matrix.indptr)) * n + matrix.indices
    absent, present = ~np.isin(cut_i * n + cut_j, there), np.isin(i * n + j, there)
    if absent.any():
        raise WeightsError(
            f"These links are to be cut and are not there: {_pairs(base, cut_i, cut_j, absent)}."
        )
    if present.any():
        raise WeightsError(f"These links are to be added and are there: {_pairs(base, i, j, present)}.")
    matrix.data[np.isin(there, cut_i * n + cut_j)] = 0.0
    matrix.eliminate_zeros()
    new = sparse.coo_array((w, (i, j)), shape=matrix.shape).tocsr()
    parameters = dict(base.meta.parameters)
    for key, rows, columns in (("added", i, j), ("cut", cut_i, cut_j)):
        if len(rows):
            pairs = [(base.ids[a], base.ids[b]) for a, b in zip(rows, columns, strict=True)]
            parameters[key] = [*parameters.get(key, ()), *pairs]
    return sparse.csr_array(matrix + new), replace(base.meta, parameters=parameters)


def _pairs(base: HasLinks, i: Rows, j: Rows, chosen: NDArray[np.bool_]) -> str:
    return name_ids(list(zip(base.ids[i[chosen]], base.ids[j[chosen]], strict=True)))


def _links(given: Any, base: HasLinks, what: str, both_ways: bool) -> tuple[Rows, Rows, NDArray[np.float64]]:
    """Return rows, columns and weights of the links given, each once."""
    if given is None:
        return np.empty(0, dtype=np.intp), np.empty(0, dtype=np.intp), np.empty(0)
    table = _table(given, what)
    ends = [_places(table[side], base, what) for side in ("i", "j")]
    if "w" in table:
        weights = as_float(table["w"], f"The weights to {what}")
    elif what == "add" and not (base.sparse.data == 1).all():
        raise WeightsError("These weights are not all 1: give each link to add its weight, as a column w.")
    else:
        weights = np.ones(len(table))
    if (ends[0] == ends[1]).any():
        same = name_ids(base.ids[ends[0][ends[0] == ends[1]]])
        raise WeightsError(f"A link to {what} joins two units; these are paired with themselves: {same}.")
    i, j = ends
    if both_ways:
        i, j, weights = np.concatenate([i, j]), np.concatenate([j, i]), np.concatenate([weights, weights])
    first = np.unique(i.astype(np.int64) * len(base.ids) + j, return_index=True)[1]
    return i[np.sort(first)], j[np.sort(first)], weights[np.sort(first)]


def _table(given: Any, what: str) -> pd.DataFrame:
    """Return a table with columns i, j and, where there is one, w."""
    if isinstance(given, (str, os.PathLike)):
        given = _read(Path(given), what)
    if isinstance(given, pd.DataFrame):
        named = {}
        for name, known in (("i", HEADS), ("j", TAILS), ("w", STRENGTHS)):
            found = [c for c in given.columns if str(c).strip().lower() in known]
            if len(found) == 1:
                named[name] = given[found[0]]
        if "i" not in named or "j" not in named:
            raise WeightsError(
                f"Links to {what} need columns i and j; the table has {name_ids(given.columns, 12)}."
            )
        return pd.DataFrame(named)
    try:
        pairs = list(given)
    except TypeError:
        pairs = [given]
    if not all(isinstance(pair, (tuple, list)) and len(pair) == 2 for pair in pairs):
        raise WeightsError(
            f"{what} must be a list of pairs of ids, a table with columns i and j, or the path of a .csv."
        )
    return pd.DataFrame({"i": [a for a, _ in pairs], "j": [b for _, b in pairs]})


def _read(path: Path, what: str) -> pd.DataFrame:
    where = path.expanduser()
    try:
        raw = where.read_bytes()
    except OSError as error:
        raise WeightsError(f"The links to {what} cannot be read from {where} ({error.strerror}).") from None
    text = decode(raw, sniff(raw, where.name), where.name)
    try:
        return pd.read_csv(io.StringIO(text), dtype=str, sep=None, engine="python", skipinitialspace=True)
    except (ValueError, pd.errors.ParserError) as error:
        raise WeightsError(f"{where.name} is no table of links to {what} ({error}).") from None


def _places(units: pd.Series[Any], base: HasLinks, what: str) -> Rows:
    codes, found = pd.factorize(units)
    places = base.ids.get_indexer(in_kind_of(pd.Index(found), base.ids))[codes]
    unknown = units[(places < 0) | (codes < 0)]
    if len(unknown):
        raise AlignmentError(
            f"Links to {what} name units that are not in the weights: {name_ids(unknown.unique())}."
        )
    return np.asarray(places, dtype=np.intp)
