"""Spatial lags as new columns."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from spatial.compute.threads import Executor, Workers, check_workers
from spatial.errors import DataError, did_you_mean, hinted, name_ids
from spatial.panel.folder import OpenPanel
from spatial.panel.panel import Panel, PanelLike, Step

from .blocks.value import OpenWeights
from .value import Weights, WeightsLike, as_weights

__all__ = ["spatial_lag"]


@hinted
def spatial_lag(
    panel: PanelLike,
    columns: str | Iterable[str] | None,
    W: WeightsLike,
    name: str = "W_{column}",
    *,
    folder: str | Path | None = None,
    executor: Executor = None,
) -> Any:
    r"""Add spatial lags of columns.

    .. math:: (Wx)_{it} = \sum_j w_{ij} x_{jt}, \qquad \text{for all years at once } (I_T \otimes W) x

    without making the Kronecker product.

    Parameters
    ----------
    panel : Panel, DataFrame, GeoDataFrame, Series or array
        A table is matched to the weights by unit, or by (unit, time) where it has both in its index.  An
        array has its units along the last axis, (..., N), or the second to last, (T, N, k), in the order of
        ``W.ids``.
    columns : str or list of str
        The columns to lag; None for a Series or an array.
    W : Weights, or libpysal Graph or W
        Used as given.  The lag of an island is 0.
    name : str
        Of the new columns; ``{column}`` stands for the column.
    folder : path, optional
        For a panel that stays on disk (`spatial.open_panel`): where it is written with its lags, a file for
        each time; new or empty.
    executor : dask.distributed.Client or int, optional
        For a panel on disk: where its periods are worked on.

    Returns
    -------
    Of the kind of `panel`
        A table with the lags added, or the lag of a Series or an array.  Where a neighbour's value is missing
        the lag is missing.

    Raises
    ------
    AlignmentError
        Where the ids differ.
    DataError
        For a column that is not there, or a new one that already is.
    WeightsError
        If `W` is not weights with ids.

    Examples
    --------
    >>> import pandas as pd
    >>> W = Weights.from_frame(pd.DataFrame({"i": ["a", "b"], "j": ["b", "a"], "w": 1.0}))
    >>> cities = pd.DataFrame({"gdp": [1.0, 5.0]}, index=["b", "a"])
    >>> spatial_lag(cities, "gdp", W)
       gdp  W_gdp
    b  1.0    5.0
    a  5.0    1.0
    """
    weights = W if isinstance(W, OpenWeights) else as_weights(W)
    workers = check_workers(None, executor)
    if isinstance(panel, OpenPanel):
        return _lag_open(panel, columns, weights, name, folder, workers)
    if folder is not None:
        raise DataError("folder is for a panel of open_panel, which is written anew; leave it out here.")
    if isinstance(panel, (Panel, pd.DataFrame)):
        return _lag_table(panel, columns, weights, name)
    if columns is not None:
        raise DataError(
            f"columns name columns of a table; for {_article(panel)} pass None, as spatial_lag(x, None, W)."
        )
    lagged = weights.lag(panel)
    if isinstance(panel, pd.Series) and panel.name is not None:
        return lagged.rename(_new_names([panel.name], name)[0])
    return lagged


def _lag_open(
    panel: OpenPanel,
    columns: Any,
    weights: Weights | OpenWeights,
    name: str,
    folder: str | Path | None,
    workers: Workers,
) -> OpenPanel:
    if folder is None:
        raise DataError(
            f"The lags of a panel on disk are written with it ({panel.size()} and more): say where, folder="
        )
    if columns is None:
        raise DataError("columns must name the columns to lag, as a name or a list of names; got None.")
    wanted = [columns] if isinstance(columns, str) else list(columns)
    made = _new_names(wanted, name)
    matrix = weights if isinstance(weights, OpenWeights) else weights.sparse
    return panel.with_columns(folder, wanted, made, partial(_product, matrix), weights.ids, workers)


def _product(matrix: Any, values: Any) -> Any:
    return matrix @ values


def _article(value: Any) -> str:
    return "a Series" if isinstance(value, pd.Series) else "an array"


def _new_names(columns: list[Any], name: str) -> list[str]:
    try:
        made = [name.format(column=column) for column in columns]
    except (KeyError, IndexError, ValueError):
        made = []
    if len(set(made)) < max(len(columns), 1):
        raise DataError(
            f'name must make one name for each column, as "W_{{column}}"; {name!r} does not for '
            f"{name_ids(columns)}."
        )
    return made


def _lag_table(table: Any, columns: Any, weights: Weights | OpenWeights, name: str) -> Any:
    if columns is None:
        raise DataError("columns must name the columns to lag, as a name or a list of names; got None.")
    wanted: list[Any] = [columns] if isinstance(columns, str) or np.isscalar(columns) else list(columns)
    if isinstance(table, Panel):
        table.require(wanted)
    else:
        for column in wanted:
            if column not in table.columns:
                raise DataError(
                    f"The table has no column {column!r}.{did_you_mean(column, table.columns)} "
                    f"It has: {name_ids(table.columns, 12)}."
                )
    made = _new_names(wanted, name)
    taken = [column for column in made if column in table.columns]
    if taken:
        raise DataError(
            f"These columns are there already: {name_ids(taken)}. Choose others with name=, or drop them."
        )
    if isinstance(table, Panel):
        return _lag_panel(table, wanted, made, weights)
    numbers = pd.DataFrame(table[wanted])
    _check_numbers(numbers)
    lagged = weights.lag(numbers).set_axis(made, axis=1)
    return table.assign(**{column: lagged[column] for column in made})


def _check_numbers(frame: pd.DataFrame) -> None:
    for column in frame.columns:
        if not pd.api.types.is_numeric_dtype(frame[column].dtype):
            raise DataError(f"Column {column!r} must hold numbers; it is {frame[column].dtype}.")


def _lag_panel(panel: Panel, columns: list[str], made: list[str], weights: Weights | OpenWeights) -> Panel:
    lagged = weights.lag(panel.select(columns)).frame.set_axis(made, axis=1)
    added = panel.with_columns({column: lagged[column] for column in made})
    labels = {
        new: f"W {panel.labels[old]}" for new, old in zip(made, columns, strict=True) if old in panel.labels
    }
    step = Step("spatial lag", tuple(made), len(panel) * len(made), repr(weights))
    return replace(added, labels={**added.labels, **labels}, history=(*added.history, step))
