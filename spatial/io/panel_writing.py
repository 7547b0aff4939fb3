"""Panels to files, whole or not at all, so that `read_panel` gives back what was written."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from spatial.errors import DataError, name_ids

from .atomic import atomic_path
from .encoding import check_encoding
from .sources import need, reader_for

__all__ = ["LABELS_KEY", "LABELS_SHEET", "write_panel"]

# Where labels are kept: an attribute in Parquet, a sheet with the columns (column, label) in a workbook.
LABELS_KEY = "spatial_labels"
LABELS_SHEET = "labels"


def write_panel(
    frame: pd.DataFrame, labels: Mapping[str, str], path: str | Path, encoding: str | None = None
) -> Path:
    """Write the long table of a panel, unit and time as columns; the suffix says how."""
    target = Path(path)
    writer = reader_for(target, _WRITERS, "A panel", verb="written to")
    if encoding is not None and writer is not _write_csv:
        raise DataError(f"encoding= is for .csv; {target.suffix} has its own.")
    with atomic_path(target) as temporary:
        try:
            writer(_Job(frame, temporary, dict(labels), encoding))
        except DataError:
            raise
        except (ValueError, TypeError, NotImplementedError, OverflowError, Warning) as error:
            raise DataError(f"This panel does not fit into {target.name}: {error}") from error
    return target


@dataclass(frozen=True)
class _Job:
    """A flat table, where it goes, and what goes with it."""

    frame: pd.DataFrame
    path: Path
    labels: dict[str, str]
    encoding: str | None


def _write_csv(job: _Job) -> None:
    name = "utf-8-sig" if job.encoding is None else check_encoding(job.encoding)
    text = _plain(job.frame).to_csv(index=False, lineterminator="\n")
    try:
        job.path.write_bytes(text.encode(name))
    except UnicodeEncodeError as error:
        raise DataError(f"{name} has no {error.object[error.start]!r}; use encoding='utf-8'.") from None


def _write_parquet(job: _Job) -> None:
    need("pyarrow", "parquet", "Writing Parquet")
    job.frame.attrs = {LABELS_KEY: job.labels}
    job.frame.to_parquet(job.path, engine="pyarrow", index=False)


def _write_dta(job: _Job) -> None:
    flat = _plain(job.frame)
    zoned = [str(c) for c in flat.columns if isinstance(flat[c].dtype, pd.DatetimeTZDtype)]
    if zoned:
        raise DataError(
            f"Stata's times have no zone; {name_ids(zoned)} have one. Leave it out, e.g. "
            "frame[column].dt.tz_localize(None), or write .parquet."
        )
    for column in flat.columns[flat.isna().all()]:
        flat[column] = flat[column].astype(np.float64)  # an empty column has no type of its own
    with warnings.catch_warnings():
        # pandas warns where it changes a name or a value.
        warnings.simplefilter("error")
        flat.to_stata(job.path, write_index=False, version=118, variable_labels=job.labels)


def _write_xlsx(job: _Job) -> None:
    # Text that begins with "=" or "http" is text, not a formula or a link.
    options = {"strings_to_formulas": False, "strings_to_urls": False}
    with pd.ExcelWriter(job.path, engine="xlsxwriter", engine_kwargs={"options": options}) as book:
        _plain(job.frame).to_excel(book, sheet_name="panel", index=False)
        if job.labels:
            labels = pd.DataFrame(list(job.labels.items()), columns=["column", "label"])
            labels.to_excel(book, sheet_name=LABELS_SHEET, index=False)


_Writer = Callable[[_Job], None]
_WRITERS: dict[str, _Writer] = {
    ".csv": _write_csv,
    ".parquet": _write_parquet,
    ".dta": _write_dta,
    ".xlsx": _write_xlsx,
}


def _plain(frame: pd.DataFrame) -> pd.DataFrame:
    """Turn periods and categories into the text that they show."""
    return frame.assign(**{str(c): _text(frame[c]) for c in frame.columns if _has_own_type(frame[c].dtype)})


def _has_own_type(dtype: Any) -> bool:
    return isinstance(dtype, (pd.PeriodDtype, pd.CategoricalDtype))


def _text(column: pd.Series[Any]) -> pd.Series[Any]:
    return column.astype(object).map(str, na_action="ignore")
