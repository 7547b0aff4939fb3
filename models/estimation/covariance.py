"""How the variance of the estimates is computed: one small value each, taken by every estimator."""

from __future__ import annotations

from dataclasses import dataclass
from numbers import Real
from typing import Any, Literal

from spatial.errors import DataError, did_you_mean

__all__ = [
    "Cluster",
    "Conley",
    "Covariance",
    "DriscollKraay",
    "Heteroskedastic",
    "Homoskedastic",
    "TwoWay",
    "WildBootstrap",
    "as_covariance",
    "is_whole",
]


class Covariance:
    """Base of the choices."""

    label: str = ""


@dataclass(frozen=True)
class Homoskedastic(Covariance):
    r"""Innovations with one covariance Sigma for all cells: :math:`V = A^{-1}` for 3SLS."""

    label = "homoskedastic"


@dataclass(frozen=True)
class Heteroskedastic(Covariance):
    r"""Independent innovations with a variance for each cell (White 1980), times NT/n after effects.

    Inconsistent under unit effects with few times (Stock and Watson 2008): prefer `Cluster`.
    """

    label = "heteroskedastic"


@dataclass(frozen=True)
class Cluster(Covariance):
    r"""Any dependence within a cluster, none between: :math:`A^{-1}(\sum_c s_c s_c')A^{-1}\, C/(C-1)`.

    Parameters
    ----------
    by : str or Series
        ``"unit"`` (default), ``"time"``, a column of the panel, or a Series indexed by unit.
    """

    by: Any = "unit"

    @property
    def label(self) -> str:  # type: ignore[override]
        """Name for tables."""
        return f"clustered by {name_of(self.by)}"


@dataclass(frozen=True)
class TwoWay(Covariance):
    r"""Clusters in two directions (Cameron, Gelbach and Miller 2011): V_1 + V_2 - V_12.

    Each with the factor C/(C-1) of the smaller number of clusters; negative eigenvalues are set to zero.
    """

    first: Any = "unit"
    second: Any = "time"

    @property
    def label(self) -> str:  # type: ignore[override]
        """Name for tables."""
        return f"clustered by {name_of(self.first)} and {name_of(self.second)}"


@dataclass(frozen=True)
class Conley(Covariance):
    r"""Spatial HAC (Conley 1999; Kelejian and Prucha 2007) with time lags within units.

    .. math:: \sum_t \sum_{i,j} K(d_{ij}/b)\, s_{it}s_{jt}'
              + \sum_i \sum_{0 < |t-s| \le L} \Big(1 - \frac{|t-s|}{L+1}\Big) s_{it}s_{is}'

    Parameters
    ----------
    km : float
        Bandwidth b, in kilometres of great-circle distance.
    lags : int
        Number of time lags L.
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
    lags: int = 0
    kernel: Literal["bartlett", "uniform", "epanechnikov", "parzen"] = "bartlett"
    coordinates: Any = ("lon", "lat")

    def __post_init__(self) -> None:
        if isinstance(self.km, bool) or not isinstance(self.km, Real) or not float(self.km) > 0:
            raise DataError(f"Conley needs a bandwidth above 0 km; got {self.km!r}.")
        if not is_whole(self.lags, 0):
            raise DataError(f"Conley needs a whole number of time lags, 0 or more; got {self.lags!r}.")
        kernels = ("bartlett", "uniform", "epanechnikov", "parzen")
        if self.kernel not in kernels:
            raise DataError(f"Kernels are {', '.join(kernels)}; got {self.kernel!r}.")

    @property
    def label(self) -> str:  # type: ignore[override]
        """Name for tables."""
        return f"Conley, {self.km:g} km, {self.lags} time lags, {self.kernel} kernel"


@dataclass(frozen=True)
class DriscollKraay(Covariance):
    """Any dependence between units, fading over time (Driscoll and Kraay 1998); for many times; times NT/n.

    Parameters
    ----------
    lags : int, optional
        Bartlett lags; default floor(4 (T/100)^(2/9)).
    """

    lags: int | None = None

    @property
    def label(self) -> str:  # type: ignore[override]
        """Name for tables."""
        return "Driscoll-Kraay" + ("" if self.lags is None else f", {self.lags} lags")


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

    by: Any = "unit"
    replications: int = 999
    seed: int = 0

    @property
    def label(self) -> str:  # type: ignore[override]
        """Name for tables."""
        return f"wild bootstrap by {name_of(self.by)}, {self.replications} replications"


_SHORT: dict[str, Covariance] = {
    "hom": Homoskedastic(),
    "het": Heteroskedastic(),
    "cluster": Cluster(),
    "twoway": TwoWay(),
    "driscoll-kraay": DriscollKraay(),
    "wild": WildBootstrap(),
}


def as_covariance(cov: Any) -> Covariance:
    """Return `cov` as a value; texts are short names.

    Examples
    --------
    >>> as_covariance("cluster")
    Cluster(by='unit')
    """
    if isinstance(cov, Covariance):
        return cov
    if isinstance(cov, str) and cov in _SHORT:
        return _SHORT[cov]
    raise DataError(
        f"cov must be one of {', '.join(map(repr, _SHORT))}, or a value such as Conley(km=200); "
        f"got {cov!r}.{did_you_mean(cov, _SHORT) if isinstance(cov, str) else ''}"
    )


def is_whole(value: Any, least: int) -> bool:
    """Whether `value` is a whole number of at least `least`; True and False are none."""
    if isinstance(value, bool) or not isinstance(value, Real):
        return False
    return float(value).is_integer() and float(value) >= least


def name_of(by: Any) -> str:
    """Name clusters: the column, or the name of the Series."""
    return by if isinstance(by, str) else str(getattr(by, "name", None) or "groups")
