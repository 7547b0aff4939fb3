"""Call an estimator of spreg by formula: match, check, run, correct, and return the common result."""

from __future__ import annotations

import contextlib
import io
import warnings
from collections.abc import Iterable, Mapping
from typing import Any, Literal

import numpy as np
import pandas as pd

from spatial.errors import DataError, FormulaError, SpatialError, WeightsError, hinted, name_ids
from spatial.models.data.design import Design
from spatial.models.data.weights import TimeWeights, WeightsGiven, named_weights
from spatial.models.estimation.estimate import Estimate
from spatial.models.estimation.inference import Inference
from spatial.models.estimation.least_squares import LinearFit
from spatial.models.estimation.steps import Numbers, Workspace
from spatial.models.formula.grammar import parse_formula
from spatial.models.system import SpatialSystem
from spatial.panel.panel import Panel
from spatial.weights.value import Weights

from .arguments import cross_section_arguments, system_arguments
from .battery import battery
from .catalogue import SpregClass, check_options, spreg_class
from .reading import Coefficients, errors_in_words, facts_of, read_equation, read_system
from .result import Errors, SpregFit

__all__ = ["spreg"]

_DENSE = 5_000
_CELLS = 5e7


@hinted
def spreg(
    name: str,
    formula: str | Iterable[str] | Mapping[str, str],
    data: Panel | pd.DataFrame,
    W: WeightsGiven | None = None,
    *,
    where: str | None = None,
    unbalanced: Literal["raise", "balance"] = "raise",
    **options: Any,
) -> SpregFit:
    r"""Run an estimator of PySAL's spreg from a formula, with data and weights matched by id.

    The model is that of the class: of ``"GM_Lag"``, say,

    .. math:: y = \lambda W y + X\beta + Y\gamma + u,

    by spatial two-stage least squares with instruments X, WX and those declared.  Rows and weights are put
    into one order by id, missing values are refused with the units that have them, units without neighbours
    are refused, and nothing is printed.

    Parameters
    ----------
    name : str
        A class of spreg: ``"OLS"``, ``"TSLS"``, ``"GM_Lag"``, ``"ML_Lag"``, ``"GM_Error_Het"``,
        ``"GM_Combo_Het"``, ``"Probit"``, ``"OLS_Regimes"``, ``"PanelFE"``, ``"ML_LagFE"``, ``"SUR"``,
        ``"ThreeSLS"``, ...; `CLASSES` of `spatial.models.pysal.catalogue` has all.
    formula : str, or list or dict of str for systems
        As in `SpatialSystem`: ``"y ~ x + W(x) + C(region) | endog ~ z"``.  Classes with a spatial lag add
        ``W(y)`` where the formula does not say it.  The constant is always there.
    data : Panel or DataFrame
        A DataFrame indexed by unit; classes of panels take a balanced panel.
    W : Weights, Graph, W, or dict of one of them
    where : str, optional
        Rows that are used, as ``"year == 1987"``; with W all its units remain.
    unbalanced : "raise" or "balance"
        What to do with missing values: name the units and refuse, or leave these units out, of the weights
        too.
    **options
        Those of the class, as ``robust="white"``, ``w_lags=2``; ``regimes="column"``,
        ``gwk=`` kernel weights, ``coords=`` a map.

    Returns
    -------
    SpregFit
        ``tidy()``, ``summary()``, ``diagnostics``, ``moran()``, ``impacts()``;
        a column of `regression_table`; ``spreg_summary`` is the printout of spreg.

    Raises
    ------
    SpatialError
        For ids that do not match, missing values, units without neighbours, options that the class has not,
        and classes whose results are known to be wrong (`REFUSED`), with the reason.

    Notes
    -----
    Corrected: the covariances of ``ML_LagFE`` and ``ML_ErrorFE`` are multiplied by T/(T - 1) (Lee and Yu
    2010); ``ThreeSLS`` is given one set of instruments for all equations.

    Examples
    --------
    >>> import numpy as np, pandas as pd
    >>> from spatial.weights import Weights
    >>> rng = np.random.default_rng(1)
    >>> n = 60
    >>> ring = np.roll(np.eye(n), 1, axis=1) + np.roll(np.eye(n), -1, axis=1)
    >>> W = Weights.from_dense(ring).row_standardized()
    >>> data = pd.DataFrame(rng.normal(size=(n, 2)), columns=["x", "z"])
    >>> data["y"] = np.linalg.solve(np.eye(n) - 0.4 * W.sparse.toarray(), 2 * data.x + rng.normal(size=n))
    >>> fit = spreg("GM_Lag", "y ~ x", data, W)
    >>> fit.params.round(2).to_dict()
    {('y', 'Intercept'): -0.12, ('y', 'x'): 2.05, ('y', 'W(y)'): 0.38}
    """
    if unbalanced not in ("raise", "balance"):
        raise DataError(
            f"unbalanced is 'raise' or 'balance' (leave units with missing values out); got {unbalanced!r}: "
            "spreg's classes need each unit at each time."
        )
    kind, called = spreg_class(name)
    taken = check_options(name, called, options)
    weights = _one_weights(name, W, kind, data)
    system = SpatialSystem(
        _with_lag(formula, kind, weights),
        data,
        None if weights is None else dict([weights]),
        effects=kind.effects,
        error=weights[0] if kind.error and weights is not None else None,
        where=where,
        iv_order=_order(name),
        unbalanced=unbalanced,
    )
    design = system.design
    if unbalanced == "balance" and weights is not None:
        label, whole = weights
        cut = whole.subset(design.layout.units)
        weights = label, cut.row_standardized() if whole.is_row_standardized else cut
    _check(name, kind, system, weights)
    if kind.shape == "system":
        arguments, order = system_arguments(name, design, weights, taken, dict(options))
    else:
        full = _defaults(name, taken, weights is not None) | options
        arguments = cross_section_arguments(name, kind, taken, design, system._source, weights, full)
    raw, said = _run(name, called, arguments.values)
    if kind.shape == "system":
        found = read_system(raw, kind, design.structure.names, order)
    else:
        found = read_equation(raw, kind, design.structure.names[0], arguments.names)
    found, corrected = _corrected(name, found, design.layout.n_times)
    found = found.ordered([(e, t.name) for e, t in design.structure.terms])
    notes = (*design.notes, *arguments.notes, *corrected, *said)
    return _result(name, system, raw, found, weights, options, notes)


def _order(name: str) -> int:
    return 1 if name == "ThreeSLS" else 0


def _one_weights(
    name: str,
    W: WeightsGiven | None,
    kind: SpregClass,
    data: Panel | pd.DataFrame,
) -> tuple[str, Weights] | None:
    named = named_weights(W, data)
    if len(named) > 1:
        raise WeightsError(
            f"spreg's {name} takes one weights matrix; got {', '.join(named)}. SpatialSystem takes several."
        )
    if not named:
        if kind.lag or kind.error or kind.shape == "panel":
            raise WeightsError(f"spreg's {name} needs weights: sp.models.spreg({name!r}, formula, data, W).")
        return None
    label, weights = next(iter(named.items()))
    if isinstance(weights, TimeWeights):
        raise WeightsError(f"spreg's {name} takes one W for all times: use SpatialSystem(...).fit('gs2sls').")
    if len(weights.islands):
        raise WeightsError(
            f"spreg takes every unit to have neighbours; these have none: {name_ids(weights.islands)}. "
            "Link them "
            "(islands='nearest'), or leave them out (W.subset)."
        )
    own = weights.ids[weights.sparse.diagonal() != 0]
    if len(own):
        raise WeightsError(f"The weights hold own weights at {name_ids(own)}: build them without (own=0).")
    return label, weights


def _with_lag(
    formula: str | Iterable[str] | Mapping[str, str], kind: SpregClass, weights: tuple[str, Weights] | None
) -> Any:
    """Add W(y) to the formulas of classes that add it, where it is not written."""
    if isinstance(formula, Mapping):
        return {k: _lagged(v, kind, weights) for k, v in formula.items()}
    if isinstance(formula, str):
        return _lagged(formula, kind, weights)
    if not isinstance(formula, Iterable):
        raise FormulaError(f"A formula is a text such as 'y ~ x'; got {type(formula).__name__}.")
    return [_lagged(text, kind, weights) for text in formula]


def _lagged(text: str, kind: SpregClass, weights: tuple[str, Weights] | None) -> str:
    label = "W" if weights is None else weights[0]
    parsed = parse_formula(text, () if weights is None else (label,))
    if parsed.effects:
        raise FormulaError(
            f"Effects after '|' ({', '.join(':'.join(e) for e in parsed.effects)}) are those of the "
            "class in spreg: "
            "'PanelFE', 'ML_LagFE'; effects of time enter as C(year)."
        )
    if not parsed.intercept:
        raise FormulaError("spreg's classes always have a constant: leave '- 1' or '+ 0' out of the formula.")
    own = f"{label}({parsed.outcome.name})"
    if not kind.lag or own.replace(" ", "") in [t.name.replace(" ", "") for t in parsed.terms]:
        return text
    head, *rest = text.split("|")
    return " | ".join([f"{head.strip()} + {own}", *(part.strip() for part in rest)])


def _check(name: str, kind: SpregClass, system: SpatialSystem, weights: tuple[str, Weights] | None) -> None:
    layout, structure = system.design.layout, system.structure
    if kind.shape == "panel" and layout.n_times < 2:
        raise DataError(f"spreg's {name} needs a panel of two times or more; the data have one.")
    if kind.shape != "panel" and layout.n_times > 1:
        raise DataError(
            f"spreg's {name} is for cross-sections, and would take the {layout.n_times} times of this "
            "panel for "
            "units of one map: choose a time (where=), or a class of panels (PooledOLS, PanelFE, "
            "ML_LagFE, ...)."
        )
    if kind.shape == "system" and structure.n_equations < 2:
        raise FormulaError(f"spreg's {name} takes two formulas or more; got one.")
    if kind.shape != "system" and structure.n_equations > 1:
        raise FormulaError(f"spreg's {name} takes one formula; got {structure.n_equations}.")
    shifted = [t.name for _, t in structure.terms if t.role == "predetermined"]
    if shifted and kind.effects:
        raise FormulaError(
            f"{shifted[0]} is a lag of the outcome: with unit effects spreg's {name} is biased (Nickell)."
        )
    if weights is not None and not layout.units.equals(weights[1].ids):
        raise DataError(
            f"spreg's {name} takes the weights of all units; the rows chosen leave {layout.n_units} of "
            f"{weights[1].n}. Cut both first: W.subset(ids)."
        )
    if name == "Probit":
        outcome = system.design.raw[:, system.design.outcomes[0]]
        other = outcome[(outcome != 0) & (outcome != 1)]
        if len(other):
            raise DataError(
                f"A probit needs an outcome of 0 and 1; {structure.names[0]} is {other[0]:g} in the data. "
                "Write a condition as a column of 0 and 1."
            )
    n, cells = layout.n_units, float(layout.n_times) * layout.n_units**2
    if kind.dense and (n > _DENSE or cells > _CELLS):
        raise DataError(
            f"spreg's {name} makes full matrices of N x N for each time ({8e-9 * max(cells, n**2):.1f} "
            "GB each at "
            f"N = {n:,}, T = {layout.n_times}): use SpatialSystem(...).fit('gs2sls'), or fit('ml')."
        )


def _defaults(name: str, taken: frozenset[str], has_weights: bool) -> dict[str, Any]:
    """Return the tests of least squares that are asked of spreg unless the user says otherwise."""
    out: dict[str, Any] = {}
    if name == "OLS":
        out = {"white_test": True, "vif": True, "spat_diag": has_weights, "moran": has_weights}
    if "spat_impacts" in taken:
        out["spat_impacts"] = None  # impacts() has them, with standard errors
    return {k: v for k, v in out.items() if k in taken}


def _run(name: str, called: Any, values: Mapping[str, Any]) -> tuple[Any, tuple[str, ...]]:
    """Call spreg with its printing kept quiet; its warnings become notes, its failures one error."""
    try:
        with warnings.catch_warnings(record=True) as caught, contextlib.redirect_stdout(io.StringIO()):
            warnings.simplefilter("always")
            raw = called(**values)
    except SpatialError:
        raise
    except Exception as error:  # whatever a class raises, in one place
        raise DataError(
            f"spreg's {name} failed on these data, with {type(error).__name__}: {error}. Its arguments "
            "were made "
            "from the formula; check the options, or use SpatialSystem."
        ) from error
    said = dict.fromkeys(
        f"spreg warned: {str(w.message).strip().rstrip('.')}"
        for w in caught
        if not issubclass(w.category, (DeprecationWarning, FutureWarning, PendingDeprecationWarning))
    )
    return raw, tuple(said)


def _corrected(name: str, found: Coefficients, times: int) -> tuple[Coefficients, tuple[str, ...]]:
    """Put right what is known to be wrong in a class."""
    if name not in ("ML_LagFE", "ML_ErrorFE"):
        return found, ()
    factor = times / (times - 1)
    fixed = Coefficients(found.keys, found.values, found.cov * factor, found.laws)
    note = (
        f"standard errors times {np.sqrt(factor):.4f}: spreg's {name} counts T rows for each unit where "
        "T - 1 are "
        "free (Lee and Yu 2010)"
    )
    return fixed, (note,)


def _result(
    name: str,
    system: SpatialSystem,
    raw: Any,
    found: Coefficients,
    weights: tuple[str, Weights] | None,
    options: Mapping[str, Any],
    notes: tuple[str, ...],
) -> SpregFit:
    design, kind = system.design, spreg_class(name)[0]
    index = pd.MultiIndex.from_tuples(found.keys, names=["equation", "term"])
    equation = design.structure.names[0] if kind.shape != "system" else ""
    estimate, why = _as_estimate(name, system, kind, found)
    r2 = next((float(getattr(raw, a)) for a in ("r2", "pr2") if np.size(getattr(raw, a, ())) == 1), np.nan)
    slopes = None
    if name == "Probit":
        slopes = pd.DataFrame(
            {"estimate": np.ravel(raw.slopes), "std_error": np.ravel(raw.slopes_std_err)},
            index=[k[1] for k in found.keys if k[1] != "Intercept"],
        )
    return SpregFit(
        name,
        pd.Series(found.values, index=index, name="estimate"),
        pd.DataFrame(found.cov, index=index, columns=index),
        found.laws,
        Errors(errors_in_words(name, options)),
        _residuals(raw, design),
        design.layout.n_units,
        design.layout.n_times,
        design.layout.n_rows,
        kind.effects,
        r2,
        battery(raw, equation, len(design.regressors[0])),
        facts_of(raw),
        str(raw.summary),
        notes,
        None if weights is None else weights[1],
        design.choice,
        slopes,
        estimate,
        why,
    )


def _residuals(raw: Any, design: Design) -> pd.DataFrame:
    layout = design.layout
    names = list(design.structure.names)
    for key in ("e_filtered", "u", "bigE", "tslsE", "u_gen"):
        value = getattr(raw, key, None)
        if value is not None and np.size(value) == layout.n_rows * len(names):
            break
    else:
        value = np.full((layout.n_rows, len(names)), np.nan)
    units = layout.units[layout.unit]
    index = units if layout.n_times == 1 else pd.MultiIndex.from_arrays([units, layout.times[layout.time]])
    values = np.asarray(value, dtype=np.float64)
    return pd.DataFrame(values.reshape(layout.n_rows, len(names)), index=index, columns=names)


def _as_estimate(
    name: str, system: SpatialSystem, kind: SpregClass, found: Coefficients
) -> tuple[Estimate | None, str]:
    """Return spreg's numbers as an estimate of the system of the formula, or why they are none."""
    design = system.design
    wanted = [(e, t.name) for e, t in design.structure.terms]
    if name == "Probit":
        return None, "they are those of a linear model; fit.slopes has the slopes of the probability"
    if name.endswith("_Regimes"):
        return None, "each regime has its own; write products, y ~ C(region):x + W(y), in SpatialSystem"
    if kind.effects:
        wanted = [key for key in wanted if key in found.keys]
    if list(found.keys[: len(wanted)]) != wanted:
        return None, "its terms are not those of a linear system"
    count = len(wanted)
    cov = found.cov[:count, :count]
    fit = LinearFit(found.values[:count], cov, np.zeros((len(design.outcomes), count, 0)))
    rho = np.zeros(len(design.outcomes))
    residuals = np.zeros((len(design.outcomes), design.layout.n_rows))
    numbers = Numbers(fit, rho, residuals, np.eye(len(design.outcomes)), "2sls")
    inference = Inference(cov, np.zeros(0), law=found.laws[0])
    return Estimate(design, system._source, Workspace(design), numbers, inference), ""
