"""How the variance of the estimates is computed: one small value each, taken by every estimator."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from numbers import Real
from typing import Any, Literal

from spatial.errors import DataError, did_you_mean, hinted, name_ids
from spatial.ids.times import times_after_gaps
from spatial.models.data.design import Design
from spatial.models.data.layout import Layout
from spatial.places.points import CitiesLike

from .clusters import Clusters, Coordinates, Lookup, cluster_codes, coordinates, count_of, name_of, warn_few
from .laws import Law, fixed_b_law, satterthwaite_law
from .leverage import bias_reduced_meat, random_effects_law
from .pairs import Kind
from .sandwich import (
    Covariance,
    Expected,
    Heteroskedastic,
    Observed,
    QuasiLikelihood,
    Spec,
    cluster_factor,
    cluster_kind,
    is_whole,
)
from .scores import (
    Meat,
    Scores,
    bartlett_lags,
    conley_meat,
    driscoll_kraay_meat,
    kernel_weights,
    outer_meat,
    two_way_meat,
)

__all__ = [
    "KINDS",
    "Cluster",
    "Conley",
    "Covariance",
    "DriscollKraay",
    "Expected",
    "Heteroskedastic",
    "Homoskedastic",
    "Observed",
    "QuasiLikelihood",
    "TwoWay",
    "WildBootstrap",
    "as_covariance",
    "is_whole",
]

LEAST_TIMES = 10


@dataclass(frozen=True)
class Homoskedastic(Covariance):
    r"""Innovations with one covariance Sigma for all cells: :math:`V = A^{-1}` for 3SLS."""

    label = "homoskedastic"
    spec = Spec("hom", 0, 0, "hom")

    def meat(self, scores: Scores, layout: Layout, lookup: Lookup) -> Meat:
        """Return the expected outer product of the scores."""
        return Meat(scores.homoskedastic)

    def rho_kind(self, layout: Layout, lookup: Lookup) -> tuple[Kind | None, tuple[str, ...]]:
        """Return that the moments of rho are those of homoskedastic innovations."""
        return "homoskedastic", ()


@dataclass(frozen=True)
class Cluster(Covariance):
    r"""Any dependence within a cluster, none between: :math:`A^{-1}(\sum_c s_c s_c')A^{-1}\, C/(C-1)`.

    Parameters
    ----------
    by : str or Series
        ``"unit"`` (default), ``"time"``, a column of the panel, or a Series indexed by unit.
    small : "cr1" or "cr2"
        For few clusters: ``"cr2"`` corrects each cluster's residuals for their leverage, and reads t
        statistics against the degrees of freedom of Bell and McCaffrey (2002), one for each coefficient
        (`bias_reduced_meat`); ``"cr1"`` is the factor C/(C-1) and t(C - 1), as Stata has it.

    Examples
    --------
    >>> Cluster("province", small="cr2").label
    'clustered by province, CR2'
    """

    by: Clusters = "unit"
    small: Literal["cr1", "cr2"] = "cr1"
    spec = Spec("cluster", 0, 2, "cluster, cluster:COLUMN or cluster:COLUMN:cr2")

    def __post_init__(self) -> None:
        if self.small not in ("cr1", "cr2"):
            raise DataError(f"small is 'cr1' or 'cr2'; got {self.small!r}.")

    @property
    def label(self) -> str:  # type: ignore[override]
        """Name for tables."""
        return f"clustered by {name_of(self.by)}" + (", CR2" if self.small == "cr2" else "")

    def meat(self, scores: Scores, layout: Layout, lookup: Lookup) -> Meat:
        """Return the outer products of the sums by cluster, times C/(C-1); or those of CR2."""
        codes = cluster_codes(self.by, layout, lookup)
        if self.small == "cr2":
            return bias_reduced_meat(scores, codes)
        warn_few(self.label, [codes], layout)
        return Meat(outer_meat(scores.sums(codes)), (count_of(codes),), law=Law(count_of(codes) - 1))

    def rho_kind(self, layout: Layout, lookup: Lookup) -> tuple[Kind | None, tuple[str, ...]]:
        """Return that the moments of rho allow dependence within a unit; None for larger clusters."""
        return cluster_kind(self.by, layout, lookup)

    def small_factor(self, design: Design, k: float, lookup: Lookup) -> float:
        """Return (R - 1)/(R - K), effects within clusters not counted; 1 for CR2, which needs none."""
        if self.small == "cr2":
            return 1.0
        return cluster_factor(design, k, [cluster_codes(self.by, design.layout, lookup)])

    @property
    def gmm_clusters(self) -> Any:
        """The same clusters."""
        return self.by

    @property
    def of_constants(self) -> Covariance:
        """The same clusters without CR2, whose leverage is that of the slopes."""
        return Cluster(self.by)


@dataclass(frozen=True)
class TwoWay(Covariance):
    r"""Clusters in two directions (Cameron, Gelbach and Miller 2011): V_1 + V_2 - V_12.

    Each with the factor C/(C-1) of the smaller number of clusters; negative eigenvalues are set to zero.

    Parameters
    ----------
    first, second : str or Series
        As `by` of `Cluster`.
    small : "cr1" or "satterthwaite"
        t(min C - 1), as reghdfe; or the degrees of freedom of each coefficient under random effects of both
        kinds (`random_effects_law`), for few clusters whose shocks regressors and errors share.
    """

    first: Clusters = "unit"
    second: Clusters = "time"
    small: Literal["cr1", "satterthwaite"] = "cr1"
    spec = Spec("twoway", 0, 3, "twoway or twoway:COLUMN:COLUMN or twoway:COLUMN:COLUMN:satterthwaite")

    def __post_init__(self) -> None:
        if self.small not in ("cr1", "satterthwaite"):
            raise DataError(f"small is 'cr1' or 'satterthwaite'; got {self.small!r}.")

    @property
    def label(self) -> str:  # type: ignore[override]
        """Name for tables."""
        return f"clustered by {name_of(self.first)} and {name_of(self.second)}"

    def meat(self, scores: Scores, layout: Layout, lookup: Lookup) -> Meat:
        """Return V_1 + V_2 - V_12 of the sums by cluster."""
        one, two = (cluster_codes(by, layout, lookup) for by in (self.first, self.second))
        counts = (count_of(one), count_of(two))
        if self.small == "satterthwaite":
            law = random_effects_law(scores, [one, two])
        else:
            warn_few(self.label, [one, two], layout, "cov=TwoWay(small='satterthwaite')")
            law = Law(min(counts) - 1)
        return Meat(two_way_meat(scores.values, one, two), counts, may_be_indefinite=True, law=law)

    def small_factor(self, design: Design, k: float, lookup: Lookup) -> float:
        """Return (R - 1)/(R - K), effects within clusters of either kind not counted."""
        several = [cluster_codes(by, design.layout, lookup) for by in (self.first, self.second)]
        return cluster_factor(design, k, several)

    @property
    def of_constants(self) -> Covariance:
        """The same with t(min C - 1)."""
        return TwoWay(self.first, self.second)


@dataclass(frozen=True)
class Conley(Covariance):
    r"""Spatial HAC (Conley 1999; Kelejian and Prucha 2007), with dependence over time within units.

    .. math:: \sum_t \sum_{i,j} K(d_{ij}/b)\, s_{it}s_{jt}' + \sum_i \sum_{t \ne s} k_{ts}\, s_{it}s_{is}'

    with :math:`k = 1` (any dependence within a unit: :math:`V_{space} + V_{cluster} - V_{white}`), or with
    time lags :math:`k_{ts} = 1 - |t-s|/(L+1)`.  t statistics are read against the t distribution whose
    degrees of freedom, and scale, the variance estimate has under independence (`satterthwaite_law`).

    Parameters
    ----------
    km : float
        Bandwidth b, in kilometres of great-circle distance.
    lags : int, optional
        Number of time lags L, 0 for none; default any dependence within a unit.
    kernel : "bartlett", "uniform", "epanechnikov" or "parzen"
        K; zero beyond the bandwidth.
    coordinates : pair of str, DataFrame or GeoDataFrame
        Longitude and latitude in degrees: two columns of the panel, or a frame indexed by unit with
        two such columns (the first two), or cities with a geometry.

    Examples
    --------
    >>> Conley(km=200, lags=2).label
    'Conley, 200 km, 2 time lags, bartlett kernel'
    """

    km: float
    lags: int | None = None
    kernel: Literal["bartlett", "uniform", "epanechnikov", "parzen"] = "bartlett"
    coordinates: Coordinates = ("lon", "lat")
    spec = Spec("conley", 1, 2, "conley:KM or conley:KM:LAGS")

    def __post_init__(self) -> None:
        if isinstance(self.km, bool) or not isinstance(self.km, Real) or not float(self.km) > 0:
            raise DataError(f"Conley needs a bandwidth above 0 km; got {self.km!r}.")
        if self.lags is not None and not is_whole(self.lags, 0):
            raise DataError(f"Conley needs a whole number of time lags, 0 or more; got {self.lags!r}.")
        kernels = ("bartlett", "uniform", "epanechnikov", "parzen")
        if self.kernel not in kernels:
            raise DataError(f"Kernels are {', '.join(kernels)}; got {self.kernel!r}.")

    @property
    def label(self) -> str:  # type: ignore[override]
        """Name for tables."""
        within = "within units" if self.lags is None else f"{self.lags} time lags"
        return f"Conley, {self.km:g} km, {within}, {self.kernel} kernel"

    def meat(self, scores: Scores, layout: Layout, lookup: Lookup) -> Meat:
        """Return pairs within a time weighted by distance, and lags within a unit, times NT/n."""
        lon, lat = coordinates(self.coordinates, layout, lookup)
        weights = kernel_weights(lon, lat, self.km, self.kernel)
        if self.lags is None:
            sums = scores.sums(layout.unit)
            both = sums.T @ sums - scores.values.T @ scores.values
            matrix = conley_meat(scores.values, layout, weights, 0) * scores.inflation + both
            law = satterthwaite_law(layout, weights, within=True)
        else:
            lags = min(self.lags, layout.n_times - 1)
            _refuse_gaps(layout, lags)
            matrix = conley_meat(scores.values, layout, weights, lags) * scores.inflation
            law = satterthwaite_law(layout, weights, within=False)
        return Meat(matrix, may_be_indefinite=True, law=law)

    @classmethod
    def from_parts(cls, parts: Sequence[str], cities: CitiesLike, seed: int) -> Covariance:
        """Return ``conley:KM`` or ``conley:KM:LAGS`` with the coordinates of the cities."""
        return cls(float(parts[0]), int(parts[1]) if len(parts) > 1 else None, coordinates=cities)


def _refuse_gaps(layout: Layout, lags: int) -> None:
    """Refuse to count lags over times that are not evenly spaced."""
    if lags and len(late := times_after_gaps(layout.times)):
        raise DataError(
            f"Lags in time count evenly spaced times; there are gaps before {name_ids(late)}. Use lags=0, "
            "Conley(km) with any dependence within a unit, or cov='cluster'."
        )


@dataclass(frozen=True)
class DriscollKraay(Covariance):
    """Any dependence between units, fading over time (Driscoll and Kraay 1998); for ten times or more.

    t statistics are read against the fixed-b law of Kiefer and Vogelsang (2005), `fixed_b_law`; times NT/n.

    Parameters
    ----------
    lags : int, optional
        Bartlett lags; default floor(4 (T/100)^(2/9)).
    """

    lags: int | None = None
    spec = Spec("driscoll-kraay", 0, 1, "driscoll-kraay or driscoll-kraay:LAGS")

    @property
    def label(self) -> str:  # type: ignore[override]
        """Name for tables."""
        return "Driscoll-Kraay" + ("" if self.lags is None else f", {self.lags} lags")

    def meat(self, scores: Scores, layout: Layout, lookup: Lookup) -> Meat:
        """Return the Bartlett-weighted autocovariances of the sums by time, times NT/n."""
        times = layout.n_times
        if times < LEAST_TIMES:
            raise DataError(
                f"Driscoll-Kraay sums over time: at least {LEAST_TIMES} times are needed, and there "
                f"{'is' if times == 1 else 'are'} {times}: its errors would be far too small. Use "
                "cov='cluster', 'twoway', or Conley(km)."
            )
        lags = bartlett_lags(times) if self.lags is None else min(self.lags, times - 1)
        _refuse_gaps(layout, lags)
        matrix = driscoll_kraay_meat(scores.values, layout, lags) * scores.inflation
        return Meat(
            matrix,
            notes=(f"Driscoll-Kraay with {lags} lags of {times} times",),
            law=fixed_b_law((lags + 1) / times),
        )

    def small_factor(self, design: Design, k: float, lookup: Lookup) -> float:
        """Return (R - 1)/(n - k) T/(T - 1) for sums that had R/n."""
        rows, n, times = design.layout.n_rows, design.n_effective, design.layout.n_times
        return (rows - 1) / (n - k) * n / rows * times / (times - 1)

    @classmethod
    def from_parts(cls, parts: Sequence[str], cities: CitiesLike, seed: int) -> Covariance:
        """Return ``driscoll-kraay`` or ``driscoll-kraay:LAGS``."""
        return cls(*(int(part) for part in parts))


@dataclass(frozen=True)
class WildBootstrap(Covariance):
    r"""Wild restricted efficient bootstrap by cluster, for few clusters: p-values and intervals.

    For each coefficient the model is estimated with the coefficient at the null; structural residuals, and
    those of the reduced form of the endogenous regressors, are multiplied by Rademacher (below 12 clusters,
    Webb) weights of the clusters, and the model is estimated again (Davidson and MacKinnon 2010).  With
    exogenous regressors this is the WCR bootstrap of Cameron, Gelbach and Miller (2008).  `cov` and the
    standard errors are those of `Cluster`; rho and Sigma are held as estimated.

    Parameters
    ----------
    by : str or Series
        The clusters, as in `Cluster`.
    replications : int
    seed : int
    """

    by: Clusters = "unit"
    replications: int = 999
    seed: int = 0
    spec = Spec("wild", 0, 1, "wild or wild:COLUMN")

    @property
    def label(self) -> str:  # type: ignore[override]
        """Name for tables."""
        return f"wild bootstrap by {name_of(self.by)}, {self.replications} replications"

    def meat(self, scores: Scores, layout: Layout, lookup: Lookup) -> Meat:
        """Return that of `Cluster`, for the standard errors."""
        codes = cluster_codes(self.by, layout, lookup)
        return Meat(outer_meat(scores.sums(codes)), (count_of(codes),), law=Law(count_of(codes) - 1))

    def rho_kind(self, layout: Layout, lookup: Lookup) -> tuple[Kind | None, tuple[str, ...]]:
        """Return that of `Cluster`."""
        return cluster_kind(self.by, layout, lookup)

    def small_factor(self, design: Design, k: float, lookup: Lookup) -> float:
        """Return that of `Cluster`."""
        return Cluster(self.by).small_factor(design, k, lookup)

    @classmethod
    def from_parts(cls, parts: Sequence[str], cities: CitiesLike, seed: int) -> Covariance:
        """Return ``wild`` or ``wild:COLUMN`` with the seed of the study."""
        return cls(parts[0] if parts else "unit", seed=seed)


KINDS: tuple[type[Covariance], ...] = (
    Homoskedastic,
    Heteroskedastic,
    Cluster,
    TwoWay,
    DriscollKraay,
    WildBootstrap,
    Conley,
    Expected,
    Observed,
    QuasiLikelihood,
)
"""All kinds; a new one is one class and its place here."""

_ELSEWHERE = {"robust": "het", "white": "het", "hc1": "het", "iid": "hom", "hac": "driscoll-kraay"}
_SHORT: dict[str, Covariance] = {k.spec.word: k() for k in map(hinted, KINDS) if k.spec.fewest == 0}


def as_covariance(cov: Any) -> Covariance:
    """Return `cov` as a value; texts are short names.

    Examples
    --------
    >>> as_covariance("cluster")
    Cluster(by='unit', small='cr1')
    """
    if isinstance(cov, Covariance):
        return cov
    if isinstance(cov, str) and cov in _SHORT:
        return _SHORT[cov]
    hint = did_you_mean(_ELSEWHERE.get(cov, cov), _SHORT) if isinstance(cov, str) else ""
    raise DataError(
        f"cov must be one of {', '.join(map(repr, _SHORT))}, or a value such as Conley(km=200); "
        f"got {cov!r}.{hint}"
    )
