"""Matrix Market files, with ids and meta in comments, and MATLAB's .mat: what scipy.io reads."""

from __future__ import annotations

import inspect
import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import scipy.sparse as sparse

from spatial.errors import WeightsError, name_ids
from spatial.weights.csr import checked_csr, seen
from spatial.weights.meta import HasLinks

from .parsed import Options, Parsed, decode_meta, encode_meta, flag
from .words import plain_ids

__all__ = ["read_mat", "read_mtx", "square", "write_mtx"]

_ID, _META = "%id ", "%meta "


def read_mtx(path: Path, options: Options) -> Parsed:  # noqa: ARG001
    """Read Matrix Market; ids come from its ``%id`` comment lines, one a unit, as JSON."""
    from scipy.io import mmread

    comments = _comments(path)
    try:
        ids = [json.loads(c[len(_ID) :]) for c in comments if c.startswith(_ID)]
        meta = [json.loads(c[len(_META) :]) for c in comments if c.startswith(_META)]
    except ValueError:
        raise flag(path, "an %id or %meta comment is damaged. Write the file again.") from None
    try:
        matrix = _read_sparse(mmread, path)
    except (ValueError, TypeError, OverflowError, EOFError, OSError) as error:
        raise flag(path, f"not a Matrix Market file that can be read ({error}). Is it truncated?") from None
    parsed = square(matrix, path)
    if ids and len(ids) != parsed.shape[0]:
        raise flag(path, f"{len(ids)} %id comments, but {parsed.shape[0]} rows. Write the file again.")
    return Parsed(parsed, ids or None, meta=decode_meta(meta[0]) if meta else None)


def _comments(path: Path) -> list[str]:
    found: list[str] = []
    with path.open(encoding="utf-8", errors="replace") as file:
        for line in file:
            if not line.startswith("%"):
                break
            found.append(line)
    if not found:
        raise flag(path, "not a Matrix Market file: the first line must begin with %%MatrixMarket.", 1)
    return found


def write_mtx(W: HasLinks, path: Path, options: Options) -> None:  # noqa: ARG001
    """Write Matrix Market coordinates, real and general, with ids and meta as comments."""
    ids = plain_ids(W.ids, path)
    links = W.sparse.tocoo()
    rows, columns = links.coords
    with path.open("w", encoding="utf-8", newline="\n") as file:
        file.write("%%MatrixMarket matrix coordinate real general\n")
        file.write(
            "%spatial weights: row i holds the neighbours of unit i; %id lines name the units in order\n"
        )
        file.write(f"{_META}{json.dumps(encode_meta(W.meta))}\n")
        file.writelines(f"{_ID}{json.dumps(i)}\n" for i in ids)
        file.write(f"{len(W.ids)} {len(W.ids)} {W.sparse.nnz}\n")
        cells = zip((rows + 1).tolist(), (columns + 1).tolist(), links.data.tolist(), strict=True)
        file.writelines(f"{i} {j} {w!r}\n" for i, j, w in cells)


# ---- MATLAB
def read_mat(path: Path, options: Options) -> Parsed:
    """Read the one square matrix of a MATLAB file, or the variable named by `sheet`."""
    from scipy.io import loadmat
    from scipy.io.matlab import MatReadError

    try:
        stored = _read_sparse(loadmat, path)
    except NotImplementedError:
        raise flag(path, "MATLAB 7.3 files are not read. Save it in MATLAB with save(..., '-v7').") from None
    except (MatReadError, ValueError, TypeError, OSError, EOFError, IndexError) as error:
        raise flag(path, f"not a MATLAB file that can be read ({error}).") from None
    found = {name: value for name, value in stored.items() if not name.startswith("__")}
    if options.sheet is not None and options.sheet not in found:
        raise flag(path, f"there is no variable {options.sheet!r}; the variables are {name_ids(found)}.")
    chosen = {options.sheet: found[options.sheet]} if options.sheet is not None else _squares(found)
    if len(chosen) != 1:
        raise flag(
            path,
            f"one square matrix is needed; found {len(chosen)} among the variables {name_ids(found)}. "
            "Name it with sheet='...'.",
        )
    return Parsed(square(next(iter(chosen.values())), path), None)


def _squares(found: dict[str, Any]) -> dict[str, Any]:
    def issquare(value: Any) -> bool:
        shape: tuple[int, ...] = getattr(value, "shape", ())
        return len(shape) == 2 and shape[0] == shape[1] and shape[0] > 1

    return {name: value for name, value in found.items() if issquare(value)}


# ---- both
def _read_sparse(reader: Any, path: Path) -> Any:
    """Call a reader of scipy for sparse arrays; before 1.15 it knows matrices only, after 1.18 it warns."""
    options = {"spmatrix": False} if "spmatrix" in inspect.signature(reader).parameters else {}
    return reader(path, **options)


def square(matrix: Any, path: Path) -> sparse.csr_array:
    """Return a real square CSR of a dense or sparse matrix; repeated entries are refused."""
    if matrix.ndim != 2 or matrix.shape[0] != matrix.shape[1]:
        raise flag(path, f"a weights matrix must be square; found shape {matrix.shape}.")
    if matrix.dtype.kind not in "fiub":
        raise flag(path, f"weights are real numbers; the matrix holds {matrix.dtype}.")
    entries = matrix if sparse.issparse(matrix) else sparse.csr_array(matrix)
    try:
        found = checked_csr(entries)
    except WeightsError as error:
        raise flag(path, str(error)) from None
    if not found.has_canonical_format:
        found = found.copy()
        found.sum_duplicates()
    if entries.format in ("csr", "csc", "coo") and found.nnz < entries.nnz:
        rows, columns = sparse.coo_array(entries).coords
        place = pd.Series(rows.astype(np.int64) * matrix.shape[0] + columns)
        twice = place[place.duplicated()].unique().tolist()
        pairs = [(p // matrix.shape[0] + 1, p % matrix.shape[0] + 1) for p in twice]
        raise flag(path, f"each link must be given once; these (row, column) repeat: {name_ids(pairs)}.")
    return seen(found)
