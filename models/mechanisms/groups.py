"""Is the effect the same in each group?  One fit a group, regimes in one system, and tests of equality."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal, get_args

import numpy as np
import pandas as pd

from spatial.errors import DataError, did_you_mean, hinted, name_ids, warn
from spatial.languages.shown import digits, frame_text, remarks, shown
from spatial.models.data.rows import outcome_columns
from spatial.models.estimation.covariance import Covariance
from spatial.models.estimation.steps import Method
from spatial.models.formula.structure import CONSTANT
from spatial.models.grouped import Groups, with_groups
from spatial.models.results import SystemFit
from spatial.models.system import SpatialSystem
from spatial.results import Fit
from spatial.words import Said, tell

from .arguments import divisions_of, names_of, whole_number
from .asked import Model, as_model
from .interacted import fit_request, regime_design, regime_term
from .label_permutation import permuted_differences
from .stacked import ASSUMED, contrasts, equality, holm, stacked_covariance

__all__ = ["Heterogeneity", "heterogeneity"]

Test = Literal["wald", "suest", "permutation"]

_FEWEST_UNITS = 10
_EQUAL = ("Equality of {term}, {test}: p = {p}.", "{by} 各组的 {term} 相等：{test} p = {p}。")
_EQUAL_BY = (
    "Equality of {term} by {by}, {test}: p = {p} (Holm {holm}).",
    "{by} 各组的 {term} 相等：{test} p = {p}（Holm 校正 {holm}）。",
)
_TESTS_ZH = {"wald": "Wald 检验", "suest": "似无相关检验", "permutation": "置换检验"}


@dataclass(frozen=True, eq=False, repr=False)
class Heterogeneity(Fit):
    """Fits by group with tests of equality; see `heterogeneity`.

    Parameters
    ----------
    fits : mapping of str to SystemFit
        By group; with several divisions by ``"division: group"``.
    regimes : mapping of str to SystemFit
        By division: all groups in one system, slopes and instruments times the groups, effects shared.
    tests : DataFrame
        by, test, equation, term (``"all"`` for all terms together), statistic, distribution, p_value, p_holm:
        adjusted over the divisions.
    terms : tuple of (equation, term)
        What is compared.
    permutations : int
        0 where labels were not permuted.
    notes : tuple of str
    """

    fits: Mapping[str, SystemFit]
    regimes: Mapping[str, SystemFit]
    tests: pd.DataFrame
    terms: tuple[tuple[str, str], ...]
    permutations: int
    notes: tuple[str, ...] = ()

    figure = "group_plot"

    def tidy(self, level: float = 0.95) -> pd.DataFrame:
        """Return one row for each group and compared term."""
        parts = []
        for name, fit in self.fits.items():
            frame = fit.tidy(level)
            kept = [(e, t) in self.terms for e, t in zip(frame["equation"], frame["term"], strict=True)]
            parts.append(frame[kept].assign(group=name, n_obs=fit.n_obs, n_units=fit.n_units))
        found = pd.concat(parts, ignore_index=True)
        return found[["group", *(c for c in found.columns if c != "group")]]

    def glance(self) -> pd.DataFrame:
        """Return the tests of equality."""
        return self.tests.copy()

    def headline(self) -> str:
        """Name the groups."""
        names = ", ".join(self.fits)
        return tell(f"{len(self.fits)} groups: {names}", f"{len(self.fits)} 组：{names}")

    @property
    def table_notes(self) -> tuple[str, ...]:
        """The tests below the table."""
        single = self.tests["by"].nunique() == 1
        out = []
        for row in self.tests.to_dict("records"):
            if row["term"] == "all" and len(self.terms) == 1:
                continue
            p, holm = f"{row['p_value']:.3f}", f"{row['p_holm']:.3f}"
            test = Said((row["test"], _TESTS_ZH[row["test"]]))
            pair = _EQUAL if single else _EQUAL_BY
            out.append(Said(pair, term=row["term"], by=row["by"], test=test, p=p, holm=holm))
        return tuple(out)

    def summary(self) -> str:
        """Return the coefficients by group and the tests."""
        columns = ["group", "equation", "term", "estimate", "std_error", "p_value", "n_obs", "n_units"]
        tests = self.tests.drop(columns=["p_holm"] if self.tests["by"].nunique() == 1 else [])
        lines = [tell("Effects by group", "分组效应"), frame_text(self.tidy()[columns], digits(4)), ""]
        lines += [tell("Tests of equality", "组间系数相等的检验"), frame_text(tests, digits(4))]
        lines += [
            tell(f"  {test} assumes {ASSUMED[test]}", f"  {shown(test)} 假定：{shown(ASSUMED[test])}")
            for test in tests["test"].unique()
        ]
        return "\n".join([*lines, *remarks(self.notes)])


@hinted
def heterogeneity(
    model: SpatialSystem | SystemFit,
    by: str | pd.Series[Any] | Iterable[Any] | Mapping[str, Any],
    *,
    test: Test | Iterable[Test] = "wald",
    terms: str | Iterable[str] | None = None,
    permutations: int = 1000,
    seed: int = 0,
    method: Method | None = None,
    cov: str | Covariance | None = None,
) -> Heterogeneity:
    r"""Estimate each group by itself, with the lags of the whole map, and test whether effects are equal.

    .. math:: H_0: \beta_{1} = \beta_{2} = \dots = \beta_{R}

    Parameters
    ----------
    model : SpatialSystem or SystemFit
        A fit, also one of `fixed_effects`, is made again as it was made.
    by : str, Series, or a list or mapping of these
        A column, or labels by (unit, time) or by unit, as `spatial.group` makes them from each year's mean;
        each group is fitted as by ``fit(by=)``.
    test : "wald", "suest" or "permutation", or a list
        ``"wald"``: all groups in one system, every slope and instrument times the groups, effects shared,
        and a Wald test with the covariance of the fit (the fully interacted model); with clusters, as of
        ``"suest"``, an F with one less than the fewest clusters of a group.  ``"suest"``: the fits
        by group with effects of their own, their scores stacked, which is right also where a unit changes
        its group. ``"permutation"``: Fisher's, the labels of units drawn anew: p = (1 + #{T* >= T}) / (1 +
        permutations) with T the largest studentised difference of 2SLS (or least squares), which keeps its
        size also where groups differ in variance (Chung and Romano 2013).
    terms : str or list of str, optional
        What is compared; default all terms but the constant.
    permutations : int
        1,000 or more for a paper.
    seed : int
    method, cov
        As in `SpatialSystem.fit`; default those of the fit, or GS3SLS and clusters.

    Raises
    ------
    DataError
        If `by` is no column or labels of the rows, or has one or too many groups.
    AlignmentError
        If labels lack a unit of the panel.

    Warns
    -----
    SpatialWarning
        For groups made of an outcome: that selects on what is explained.

    Examples
    --------
    >>> import numpy as np, pandas as pd
    >>> from spatial.models import fixed_effects
    >>> rng = np.random.default_rng(0)
    >>> index = pd.MultiIndex.from_product([range(80), range(4)], names=["city", "year"])
    >>> data = pd.DataFrame(rng.normal(size=(320, 2)), columns=["x", "e"], index=index)
    >>> data["coast"] = np.repeat(np.arange(80) < 40, 4)
    >>> data["y"] = data.x * np.where(data.coast, 2.0, 1.0) + data.e
    >>> fit = fixed_effects("y ~ x", data)
    >>> found = heterogeneity(fit, "coast", test=["wald", "permutation"], permutations=199)
    >>> found.tidy()["estimate"].round(1).tolist(), bool(found.tests["p_value"].max() < 0.01)
    ([1.1, 2.1], True)
    """
    asked = _tests(test)
    count = whole_number("permutations", permutations, 99, 1_000_000) if "permutation" in asked else 0
    base = as_model(model, method, cov, "heterogeneity")
    divisions = divisions_of(by)
    fits: dict[str, SystemFit] = {}
    regimes: dict[str, SystemFit] = {}
    rows: list[dict[str, Any]] = []
    notes: list[str] = []
    for name, given in divisions.items():
        found = _Division(base, name, given)
        prefix = "" if len(divisions) == 1 else f"{name}: "
        mine = found.fits()
        fits |= {prefix + label: fit for label, fit in mine.items()}
        compared = _compared(list(mine.values()), terms)
        regimes[name] = found.regime_fit()
        rows += found.tests(mine, regimes[name], compared, asked, count, seed)
        notes += found.notes
    if count:
        notes.append(
            f"permutation: labels of units, {count} draws, seed {seed}; statistic: the largest studentised "
            "difference of least squares or 2SLS, without the spatial filter"
        )
    table = pd.DataFrame(rows)
    table["p_holm"] = table.groupby(["test", "equation", "term"])["p_value"].transform(holm)
    return Heterogeneity(fits, regimes, table, tuple(compared), count, tuple(dict.fromkeys(notes)))


# ---- what is asked for
def _tests(test: Any) -> list[Test]:
    found: list[Any] = [test] if isinstance(test, str) else list(test)
    for name in found:
        if name not in get_args(Test):
            shown = ", ".join(map(repr, get_args(Test)))
            raise DataError(f"test is among {shown}; got {name!r}.{did_you_mean(name, get_args(Test))}")
    if not found:
        raise DataError("test needs at least one of 'wald', 'suest' and 'permutation'.")
    return found


def _compared(fits: list[SystemFit], terms: Any) -> list[tuple[str, str]]:
    common = [key for key in fits[0].params.index if all(key in f.params.index for f in fits[1:])]
    if terms is None:
        return [key for key in common if key[1] != CONSTANT]
    wanted = names_of(terms, "terms")
    known = list(dict.fromkeys(t for _, t in common))
    for term in wanted:
        if term not in known:
            raise DataError(
                f"terms: not every group has {term!r}.{did_you_mean(term, known)} They have "
                f"{', '.join(known)}."
            )
    return [key for key in common if key[1] in wanted]


# ---- one division of the rows
class _Division:
    """Labels of the rows, and what is estimated with them."""

    def __init__(self, base: Model, name: str, given: Any) -> None:
        self.base, self.name = base, name
        self.notes: list[str] = []
        panel = base.given.panel
        self.system = base.system()
        self.column, self.panel = with_groups(self.system._source, panel, given)
        self._warn(name)
        self.chosen = base.system(panel=self.panel)
        self.groups = Groups.of(name, self.column, self.chosen)
        self.codes, self.labels = self.groups.codes, self.groups.labels
        self.notes += self.groups.notes
        self._check()

    def _warn(self, name: str) -> None:
        made = outcome_columns(self.system.structure.outcomes)
        if self.column in made or name in made:
            warn(
                f"Groups by {name} are made of an outcome: a split by what is explained biases each fit. "
                "Split by "
                "its value before the first time, or by something that the equations do not explain."
            )

    def _check(self) -> None:
        layout = self.chosen.design.layout
        for k, label in enumerate(self.labels):
            own = np.unique(layout.unit[self.codes == k])
            if len(own) < _FEWEST_UNITS:
                raise DataError(
                    f"Group {label!r} of {self.name} has {len(own)} units ({name_ids(layout.units[own])}); "
                    f"{_FEWEST_UNITS} or more are needed."
                )

    @property
    def is_fixed(self) -> bool:
        """Whether each unit stays in its group."""
        pairs = np.unique(np.column_stack([self.chosen.design.layout.unit, self.codes]), axis=0)
        return len(pairs) == self.chosen.design.layout.n_units

    def fits(self) -> dict[str, SystemFit]:
        """Return the fit of each group, lags of the whole map first."""
        where = self.base.given.where
        systems = [
            self.base.system(panel=self.panel, where=self.groups.condition(k, where)) for k in self.places
        ]
        return {label: self.base.estimate(one) for label, one in zip(self.labels, systems, strict=True)}

    @property
    def places(self) -> range:
        """Numbers of the groups."""
        return range(len(self.labels))

    def regime_fit(self) -> SystemFit:
        """Return all groups in one system; effects, and errors in space, are shared."""
        fit = self.base.estimate(self.chosen, force=True)
        kept = self.codes >= 0
        if not kept.all():
            where = " or ".join(self.groups.condition(k) for k in self.places)
            where = where if self.base.given.where is None else f"({self.base.given.where}) and ({where})"
            self.chosen = self.base.system(panel=self.panel, where=where)
            rows = self.chosen._source.rows(self.column, self.chosen.design.layout)
            self.codes = pd.Index(self.groups.levels).get_indexer(rows).astype(np.intp)
            fit = self.base.estimate(self.chosen, force=True)
        design = regime_design(fit.estimate.design, self.codes, self.labels)
        return fit_request(fit.asked, design, fit.stamps)

    # ---- tests
    def tests(
        self,
        fits: dict[str, SystemFit],
        regimes: SystemFit,
        compared: list[tuple[str, str]],
        asked: list[Test],
        count: int,
        seed: int,
    ) -> list[dict[str, Any]]:
        """Return a row for each test and term, and for all terms together."""
        out: list[dict[str, Any]] = []
        # The fewest clusters of a group: its variance is the least known.
        known = [f.estimate.inference.law.df for f in (*fits.values(), regimes)]
        df = min((d for d in known if d is not None), default=None)
        if "wald" in asked:
            keys = [[(e, regime_term(t, label)) for label in self.labels] for e, t in compared]
            out += self._wald("wald", compared, keys, regimes.params, regimes.cov, df)
        if "suest" in asked:
            stacked = stacked_covariance(fits)
            joined = [[(label, e, t) for label in self.labels] for e, t in compared]
            out += self._wald("suest", compared, joined, stacked.params, stacked.cov, df)
        if "permutation" in asked:
            found = permuted_differences(
                self.chosen.design, self.codes, self.is_fixed, compared, regimes.method == "ols", count, seed
            )
            for (equation, term), (statistic, p_value) in found.items():
                out.append(self._row("permutation", equation, term, statistic, "permutation", p_value))
        return out

    def _row(
        self, test: str, equation: str, term: str, statistic: float, law: str, p_value: float
    ) -> dict[str, Any]:
        return {
            "by": self.name,
            "test": test,
            "equation": equation,
            "term": term,
            "statistic": statistic,
            "distribution": law,
            "p_value": p_value,
        }

    def _wald(
        self,
        name: str,
        compared: list[tuple[str, str]],
        keys: list[list[Any]],
        params: Any,
        cov: Any,
        df: float | None,
    ) -> list[dict[str, Any]]:
        out, every = [], []
        for (equation, term), mine in zip(compared, keys, strict=True):
            rows = contrasts(mine, params)
            every.append(rows)
            test = equality(rows, params, cov, df)
            out.append(self._row(name, equation, term, test.statistic, test.reference, test.p_value))
        whole = equality(np.vstack(every), params, cov, df)
        out.append(self._row(name, "", "all", whole.statistic, whole.reference, whole.p_value))
        return out
