"""Coupling coordination of subsystems: the right formula, the modified one, and the ten classes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from spatial.errors import DataError, hinted, name_ids, warn
from spatial.ids.rows import checked_option, labelled, numbers, read_columns, refuse_cells, row_names
from spatial.panel.panel import Panel, Step

__all__ = ["COORDINATION_LEVELS", "coordination_level", "coupling_coordination", "interaction_degree"]

Float = NDArray[np.float64]
Form = Literal["standard", "modified"]
Normalise = Literal["none", "minmax"]


@hinted
def coupling_coordination(
    data: Panel | pd.DataFrame,
    columns: Iterable[str] | None = None,
    *,
    weights: Mapping[str, float] | None = None,
    form: Form = "standard",
    normalise: Normalise = "none",
) -> pd.DataFrame | Panel:
    r"""Return coupling C, development T and the coupling coordination degree D of n subsystems,

    .. math::

        C = \left[ \frac{\prod_i U_i}{\big( \tfrac1n \sum_i U_i \big)^n} \right]^{1/n}, \qquad
        T = \sum_i \alpha_i U_i, \qquad D = \sqrt{C T} ;

    for two subsystems :math:`C = 2 \sqrt{U_1 U_2} / (U_1 + U_2)`: the geometric over the arithmetic mean.

    Parameters
    ----------
    data : Panel or DataFrame
        Levels of the subsystems, each an index between 0 and 1, such as of `entropy_index`.
    columns : list, optional
        The subsystems, two or more.  Default: all columns.
    weights : mapping, optional
        :math:`\alpha_i` by column, summing to one; default equal.
    form : {"standard", "modified"}
        ``"modified"`` spreads C over [0, 1] (Wang, Kong, Ren, Zhi and Dai 2021):

        .. math::

            C = \sqrt{\left[ 1 - \frac{\sum_{i>j} |U_i - U_j|}{n(n-1)/2} \right] \times
            \left( \prod_i \frac{U_i}{\max_k U_k} \right)^{1/(n-1)}} .
    normalise : {"none", "minmax"}
        ``"minmax"``: columns that leave [0, 1] become :math:`(U - \min U) / (\max U - \min U)` over all
        rows first, and a warning names them; the others stay as they are.

    Returns
    -------
    DataFrame or Panel
        Of the form of `data`: ``coupling``, ``development``, ``coordination``, all in [0, 1].  See
        `coordination_level` for the ten classes.

    Raises
    ------
    DataError
        For levels out of [0, 1], by id.

    Warns
    -----
    SpatialWarning
        Where all subsystems are zero: coupling is NaN and coordination 0.

    Notes
    -----
    A misprint is common: :math:`C = [U_1 U_2 / (U_1 + U_2)^2]^{1/2}`, without the factor n, stays at or
    below 1/2 and makes D too low by the factor :math:`1/\sqrt 2`.  With more subsystems
    :math:`[\prod U_i / \prod_{i<j} (U_i + U_j)]^{1/n}` stays below 1/2 for three, and for four changes
    with the unit of the levels (see Wang et al. 2021).

    Examples
    --------
    >>> import pandas as pd
    >>> levels = pd.DataFrame({"industry": [0.2, 0.5, 0.9], "digital": [0.8, 0.5, 0.1]}, index=list("abc"))
    >>> coupling_coordination(levels).round(3)
       coupling  development  coordination
    a       0.8          0.5         0.632
    b       1.0          0.5         0.707
    c       0.6          0.5         0.548
    >>> coupling_coordination(levels, form="modified")["coupling"].round(3).tolist()
    [0.316, 1.0, 0.149]
    """
    checked_option(form, ("standard", "modified"), "form")
    frame, names, levels = _levels(data, columns, normalise)
    alpha = _alpha(weights, names)
    coupling = _coupling(levels, form)
    _warn_of_zeros(levels, frame.index)
    development = (levels * alpha).sum(axis=1)
    coordination = np.sqrt(np.nan_to_num(coupling) * development)
    body = pd.DataFrame(
        {"coupling": coupling, "development": development, "coordination": coordination}, index=frame.index
    )
    if not isinstance(data, Panel):
        body.attrs = {"labels": dict(_COUPLING_LABELS), "form": form}
        return body
    step = Step("coupling coordination", tuple(names), 0, form)
    return Panel(body, dict(_COUPLING_LABELS), (*data.history, step))


_COUPLING_LABELS = {
    "coupling": "Coupling degree 耦合度",
    "development": "Development level 综合发展水平",
    "coordination": "Coupling coordination degree 耦合协调度",
}


@hinted
def interaction_degree(
    data: Panel | pd.DataFrame,
    columns: Iterable[str] | None = None,
    *,
    form: Form = "standard",
    normalise: Normalise = "none",
) -> pd.Series[Any]:
    r"""Return the degree of interaction of subsystems, which is their coupling degree C,

    .. math:: C = \left[ \frac{\prod_i U_i}{\big( \tfrac1n \sum_i U_i \big)^n} \right]^{1/n} :

    how evenly they stand, whatever their level.  Parameters are those of `coupling_coordination`.

    Raises
    ------
    DataError
        If fewer than two subsystems are named, one is absent or twice, or a cell is missing.

    Examples
    --------
    >>> import pandas as pd
    >>> levels = pd.DataFrame({"services": [0.2, 0.5], "manufacturing": [0.8, 0.5]}, index=["a", "b"])
    >>> interaction_degree(levels).round(6).tolist()
    [0.8, 1.0]
    """
    checked_option(form, ("standard", "modified"), "form")
    frame, _, levels = _levels(data, columns, normalise)
    _warn_of_zeros(levels, frame.index)
    return labelled(
        _coupling(levels, form), frame.index, "interaction_degree", "Interaction degree", "互动程度"
    )


def _coupling(levels: Float, form: str) -> Float:
    n = levels.shape[1]
    with np.errstate(divide="ignore", invalid="ignore"):
        if form == "standard":
            # By logarithms: the product of many small levels would underflow.
            return np.asarray(np.minimum(np.exp(np.log(levels).mean(axis=1)) / levels.mean(axis=1), 1.0))
        relative = np.log(levels / levels.max(axis=1, keepdims=True)).sum(axis=1) / (n - 1)
        ordered = np.sort(levels, axis=1)
        # sum over pairs of |U_i - U_j|, from the ranks
        gaps = (ordered * (2 * np.arange(1, n + 1) - n - 1)).sum(axis=1) / (n * (n - 1) / 2)
        return np.asarray(np.sqrt(np.clip(1 - gaps, 0, 1) * np.exp(relative)))


def _levels(
    data: Any, columns: Iterable[str] | None, normalise: str
) -> tuple[pd.DataFrame, list[str], Float]:
    frame = data.frame if isinstance(data, Panel) else data
    names = list(getattr(frame, "columns", [])) if columns is None else list(columns)
    frame, values = read_columns(data, names)
    if len(names) < 2:
        raise DataError(f"Coupling needs two subsystems or more; got {len(names)}: {name_ids(names)}.")
    if len(set(names)) < len(names):
        raise DataError(f"Each subsystem must be listed once; got {name_ids(names)}.")
    checked_option(normalise, ("none", "minmax"), "normalise")
    if normalise == "minmax":
        values = _normalised(values, names)
    refuse_cells(
        (values < 0) | (values > 1),
        frame.index,
        names,
        "out of [0, 1]",
        " Levels are indices between 0 and 1: normalise them, as by entropy_index or normalise='minmax'.",
    )
    return frame, names, values


def _normalised(values: Float, names: list[str]) -> Float:
    """Bring the columns that leave [0, 1] into it, over all rows; say which."""
    low, high = values.min(axis=0), values.max(axis=0)
    out = (low < 0) | (high > 1)
    flat = [name for name, bad in zip(names, out & (low == high), strict=True) if bad]
    if flat:
        raise DataError(f"Columns without variation cannot be normalised: {name_ids(flat)}. Leave them out.")
    if out.any():
        shown = [
            f"{name} from {a:.4g} to {b:.4g}"
            for name, a, b, bad in zip(names, low, high, out, strict=True)
            if bad
        ]
        warn(
            f"Normalised to [0, 1] over all rows, since they leave it: {'; '.join(shown)}. "
            "The index depends on these ends."
        )
    scaled = (values - low) / np.where(high > low, high - low, 1.0)
    return np.asarray(np.where(out, scaled, values))


def _warn_of_zeros(levels: Float, index: pd.Index[Any]) -> None:
    zero = (levels == 0).all(axis=1)
    if zero.any():
        warn(
            f"Coupling has no value where all subsystems are zero, for {int(zero.sum())} rows: "
            f"{row_names(index, zero)}; it is NaN there."
        )


def _alpha(weights: Mapping[str, float] | None, names: list[str]) -> Float:
    if weights is None:
        return np.full(len(names), 1 / len(names))
    given = dict(weights)
    if set(given) != set(names):
        raise DataError(f"weights must name each subsystem, {name_ids(names)}; got {name_ids(given)}.")
    values = np.array([given[name] for name in names], dtype=np.float64)
    if not ((values >= 0).all() and abs(values.sum() - 1) < 1e-8):
        raise DataError(f"weights must not be negative and sum to one; they sum to {values.sum():g}.")
    return values


COORDINATION_LEVELS: tuple[tuple[str, str], ...] = (
    ("extreme disorder", "极度失调"),
    ("severe disorder", "严重失调"),
    ("moderate disorder", "中度失调"),
    ("mild disorder", "轻度失调"),
    ("near disorder", "濒临失调"),
    ("bare coordination", "勉强协调"),
    ("primary coordination", "初级协调"),
    ("intermediate coordination", "中级协调"),
    ("good coordination", "良好协调"),
    ("quality coordination", "优质协调"),
)
"""The ten classes of the coupling coordination degree, each a tenth wide, in English and Chinese."""


@hinted
def coordination_level(degree: pd.Series[Any], *, lang: Literal["en", "zh"] = "en") -> pd.Series[Any]:
    r"""Return the class of each coupling coordination degree, an ordered categorical,

    .. math:: \text{class}_i = k \iff D_i \in [0.1 (k - 1),\, 0.1 k), \quad k = 1, \ldots, 10,

    with 1 in the last class.

    Parameters
    ----------
    degree : Series
        D in [0, 1], as ``coupling_coordination(...)["coordination"]``.
    lang : {"en", "zh"}

    Raises
    ------
    DataError
        If a degree lies outside [0, 1].

    Examples
    --------
    >>> import pandas as pd
    >>> coordination_level(pd.Series({"a": 0.05, "b": 0.5, "c": 1.0})).tolist()
    ['extreme disorder', 'bare coordination', 'quality coordination']
    """
    checked_option(lang, ("en", "zh"), "lang")
    if not isinstance(degree, pd.Series):
        raise DataError(f"A Series of degrees by id is needed; got {type(degree).__name__}.")
    values = numbers(degree, "The coordination degree")
    bad = ~((values >= 0) & (values <= 1))
    if bad.any():
        raise DataError(
            f"The coordination degree must lie in [0, 1]; it does not at {row_names(degree.index, bad)}."
        )
    # Rounded first: 0.3 as 3 x 0.1 lies above the float 0.3.
    codes = np.minimum(np.floor(np.round(values * 10, 9)).astype(int), 9)
    names = [level[("en", "zh").index(lang)] for level in COORDINATION_LEVELS]
    return pd.Series(
        pd.Categorical.from_codes(codes, names, ordered=True), index=degree.index, name="coordination_level"
    )
