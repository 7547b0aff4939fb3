"""Matrix files: Matrix Market (ids in comments), npz, Parquet, and MATLAB's .mat for reading."""

from __future__ import annotations

import inspect
import json
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import scipy.sparse as sp

from spatial.errors import name_ids
from spatial.weights.value import Weights

from .parts import (
    Options,
    Parsed,
    decode_meta,
    encode_meta,
    flag,
    links_to_csr,
    plain_ids,
    with_islands,
)

__all__ = ["read_mat", "read_mtx", "read_npz", "read_parquet", "write_mtx", "write_npz", "write_parquet"]

_KEY = b"spatial_weights"
_ID, _META = "%id ", "%meta "


# ---- Matrix Market
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
    parsed = _square(matrix, path)
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


def write_mtx(W: Weights, path: Path, options: Options) -> None:  # noqa: ARG001
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
        file.write(f"{W.n} {W.n} {W.n_links}\n")
        cells = zip((rows + 1).tolist(), (columns + 1).tolist(), links.data.tolist(), strict=True)
        file.writelines(f"{i} {j} {w!r}\n" for i, j, w in cells)


def _read_sparse(reader: Any, path: Path) -> Any:
    """Call a reader of scipy for sparse arrays; before 1.15 it knows matrices only, after 1.18 it warns."""
    options = {"spmatrix": False} if "spmatrix" in inspect.signature(reader).parameters else {}
    return reader(path, **options)


def _square(matrix: Any, path: Path) -> sp.csr_array:
    """Return a real square CSR of a dense or sparse matrix; repeated entries are refused."""
    if np.issubdtype(matrix.dtype, np.complexfloating) or not np.issubdtype(matrix.dtype, np.number):
        raise flag(path, f"weights are real numbers; the matrix holds {matrix.dtype}.")
    if matrix.ndim != 2 or matrix.shape[0] != matrix.shape[1]:
        raise flag(path, f"a weights matrix must be square; found shape {matrix.shape}.")
    if sp.issparse(matrix):
        entries = sp.coo_array(matrix)
        place = entries.coords[0].astype(np.int64) * matrix.shape[0] + entries.coords[1]
        twice = pd.Series(place).duplicated().to_numpy()
        if twice.any():
            pairs = [(int(p) // matrix.shape[0] + 1, int(p) % matrix.shape[0] + 1) for p in place[twice]]
            raise flag(path, f"each link must be given once; these (row, column) repeat: {name_ids(pairs)}.")
    return sp.csr_array(matrix, dtype=np.float64)


# ---- npz: also what scipy.sparse.save_npz writes and load_npz reads
def read_npz(path: Path, options: Options) -> Parsed:  # noqa: ARG001
    """Read arrays of CSR; nothing is unpickled."""
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as stored:
            arrays = {name: stored[name] for name in stored.files}
    except (ValueError, TypeError, OSError, EOFError, zipfile.BadZipFile) as error:
        raise flag(path, f"not an .npz of plain arrays ({error}). Objects are never unpickled.") from None
    absent = {"data", "indices", "indptr"} - set(arrays)
    if absent or bytes(np.asarray(arrays.get("format", b"csr")).item()) != b"csr":
        raise flag(
            path,
            "an .npz of weights holds a CSR matrix: data, indices, indptr; "
            f"found {name_ids(sorted(arrays))}. Write it with W.write or scipy.sparse.save_npz.",
        )
    try:
        n = len(arrays["indptr"]) - 1
        shape = tuple(arrays["shape"].tolist()) if "shape" in arrays else (n, n)
        matrix = sp.csr_array((arrays["data"], arrays["indices"], arrays["indptr"]), shape=shape)
        matrix.check_format(full_check=True)
    except (ValueError, IndexError) as error:
        raise flag(path, f"the arrays are no CSR matrix ({error}). Write the file again.") from None
    about = _json(arrays.get("about"), path)
    ids = arrays["ids"].tolist() if "ids" in arrays else about.get("ids")
    parsed = _square(matrix, path)
    if ids is not None and len(ids) != parsed.shape[0]:
        raise flag(path, f"{len(ids)} ids, but {parsed.shape[0]} rows. Write the file again.")
    return Parsed(parsed, ids, meta=decode_meta(about.get("meta")), name=about.get("name"))


def _json(stored: Any, path: Path) -> dict[str, Any]:
    try:
        found = {} if stored is None else json.loads(bytes(stored).decode())
    except ValueError:
        raise flag(path, "the description of the weights is damaged. Write the file again.") from None
    return found if isinstance(found, dict) else {}


def write_npz(W: Weights, path: Path, options: Options) -> None:  # noqa: ARG001
    """Write the CSR arrays, the ids, and the meta as JSON; scipy.sparse.load_npz reads them too."""
    ids = plain_ids(W.ids, path)
    about: dict[str, Any] = {"meta": encode_meta(W.meta), "name": _name(W)}
    arrays = {"data": W.sparse.data, "indices": W.sparse.indices, "indptr": W.sparse.indptr}
    arrays |= {"shape": np.array(W.sparse.shape), "format": np.array(b"csr")}
    if ids and isinstance(ids[0], int):
        arrays["ids"] = np.array(ids, dtype=np.int64)
    else:  # as JSON: numpy's own text arrays drop NUL at the end
        about["ids"] = ids
    arrays["about"] = np.frombuffer(json.dumps(about).encode(), dtype=np.uint8)
    with path.open("wb") as file:
        np.savez(file, **arrays)


def _name(W: Weights) -> str | None:
    return W.ids.name if isinstance(W.ids.name, str) else None


# ---- Parquet: the table of libpysal's Graph.to_parquet, with our meta beside its own
def read_parquet(path: Path, options: Options) -> Parsed:  # noqa: ARG001
    """Read a table focal, neighbor, weight; an island is a link of weight 0 to itself."""
    pa, pq = _pyarrow(path)
    try:
        table = pq.read_table(path)
    except (pa.ArrowException, OSError) as error:
        raise flag(path, f"not a Parquet file that can be read ({error}).") from None
    names = [
        c for c in (("focal", "neighbor", "weight"), ("i", "j", "w")) if set(c) <= set(table.column_names)
    ]
    if not names:
        raise flag(
            path,
            f"columns focal, neighbor, weight (or i, j, w) are needed; found {name_ids(table.column_names)}.",
        )
    heads, tails, values = (table.column(c) for c in names[0])
    if heads.null_count or tails.null_count or values.null_count:
        raise flag(path, "each link needs an id, a neighbour and a weight; some are missing.")
    if not (pa.types.is_floating(values.type) or pa.types.is_integer(values.type)):
        raise flag(path, f"weights are real numbers; the column {names[0][2]!r} holds {values.type}.")
    head, tail = heads.to_pylist(), tails.to_pylist()
    units = list(dict.fromkeys([*head, *tail]))
    meta = table.schema.metadata or {}
    about = _json(meta.get(_KEY), path)
    matrix = links_to_csr(units, head, tail, values.to_numpy(), path)
    return Parsed(
        matrix, units, complete=bool(about), meta=decode_meta(about.get("meta")), name=about.get("name")
    )


def write_parquet(W: Weights, path: Path, options: Options) -> None:  # noqa: ARG001
    """Write links as a table that libpysal.graph.read_parquet reads too."""
    pa, pq = _pyarrow(path)
    ids = pd.Index(plain_ids(W.ids, path))
    rows, columns, values = with_islands(W)
    pairs = pd.MultiIndex.from_arrays([ids[rows], ids[columns]], names=["focal", "neighbor"])
    table = pa.Table.from_pandas(pd.DataFrame({"weight": values}, index=pairs))
    about = json.dumps({"meta": encode_meta(W.meta), "name": _name(W)}).encode()
    pq.write_table(table.replace_schema_metadata({**(table.schema.metadata or {}), _KEY: about}), path)


def _pyarrow(path: Path) -> tuple[Any, Any]:
    try:
        import pyarrow as pa
        import pyarrow.parquet as pq
    except ImportError:
        raise flag(
            path, '.parquet needs pyarrow: pip install "spatial-cities[parquet]". Or use .npz.'
        ) from None
    return pa, pq


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
    return Parsed(_square(next(iter(chosen.values())), path), None)


def _squares(found: dict[str, Any]) -> dict[str, Any]:
    def is_square(value: Any) -> bool:
        shape: tuple[int, ...] = getattr(value, "shape", ())
        return len(shape) == 2 and shape[0] == shape[1] and shape[0] > 1

    return {name: value for name, value in found.items() if is_square(value)}
