"""Autocorrelation and semivariance by distance: the correlogram and the semivariogram, in great-circle km."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import pandas as pd
import scipy.sparse as sparse
from numpy.typing import NDArray

from spatial.autocorrelation.inference import Run, permutations_line
from spatial.autocorrelation.moments import build_constants, moran_moments
from spatial.autocorrelation.sample import Missing
from spatial.compute.pvalues import Alternative, alternative_words, normal_p, smallest_p
from spatial.compute.threads import Executor
from spatial.errors import hinted, name_ids
from spatial.ids.alignment import check_scale
from spatial.ids.numbers import Values
from spatial.languages.shown import digits, frame_text, shown
from spatial.places.points import CitiesLike
from spatial.results import Result
from spatial.words import tell

from .pairs import band_edges, band_row, near_pairs, read_places

__all__ = ["Correlogram", "Semivariogram", "correlogram", "semivariogram"]

Float = NDArray[np.float64]


@dataclass(frozen=True, eq=False, repr=False, kw_only=True)
class Correlogram(Result):
    """Moran's I of the pairs in each band of distance.

    Parameters
    ----------
    name : str
    frame : DataFrame
        A row for each band: ``low_km``, ``high_km``, ``mean_km``, ``pairs``, ``units`` (with a pair in the
        band), ``I``, ``expected``, ``variance``, ``z_value``, ``p_value`` (randomisation), ``p_sim``.  A band
        without pairs has no numbers.
    n, permutations, seed : int
    alternative, distance : str
    dropped : Index
    """

    figure: ClassVar[str] = "correlogram_plot"

    name: str
    frame: pd.DataFrame
    n: int
    permutations: int
    seed: int
    alternative: Alternative
    distance: str
    dropped: pd.Index[Any]

    @property
    def smallest_p(self) -> float:
        """The smallest p_sim that so many permutations can give."""
        return smallest_p(self.permutations, self.alternative)

    def tidy(self) -> pd.DataFrame:
        """Return a row for each band; statistic and p_value are by randomisation."""
        f = self.frame
        return pd.DataFrame(
            {
                "term": self.name,
                "distance_low": f["low_km"],
                "distance_high": f["high_km"],
                "distance": f["mean_km"],
                "pairs": f["pairs"],
                "estimate": f["I"],
                "expected": f["expected"],
                "std_error": np.sqrt(f["variance"]),
                "statistic": f["z_value"],
                "p_value": f["p_value"],
                "conf_low": np.nan,
                "conf_high": np.nan,
                "p_sim": f["p_sim"],
            }
        )

    def glance(self) -> pd.DataFrame:
        """Return one row: bands, reach, pairs, and the first distance at which I is not above its mean."""
        f = self.frame
        below = f.loc[f["I"] <= f["expected"], "low_km"]
        row = {"name": self.name, "n": self.n, "bands": len(f), "reach_km": f["high_km"].iloc[-1]}
        row |= {"pairs": int(f["pairs"].sum()), "range_km": below.iloc[0] if len(below) else np.nan}
        more = ("permutations", "seed", "alternative", "distance")
        return pd.DataFrame([{**row, **{k: getattr(self, k) for k in more}, "dropped": len(self.dropped)}])

    def summary(self) -> str:
        """Write the result as text."""
        lines = [
            tell(
                f"Correlogram of {self.name}: Moran's I by distance ({self.distance}), n = {self.n}",
                f"{self.name} 的空间相关图：按距离的莫兰指数（{shown(self.distance)}），n = {self.n}",
            ),
            frame_text(self.frame, digits(4, "g")),
            tell("Null hypothesis: the values fall to the units at random", "原假设：各值随机分配于各个体"),
            tell("P-values: ", "p 值：")
            + alternative_words(self.alternative)
            + tell("; bands are not independent of each other", "；各距离段相互并不独立"),
        ]
        if self.permutations:
            lines.append(permutations_line(str(self.permutations), self.seed, self.smallest_p))
        if len(self.dropped):
            lines.append(tell("Dropped as missing: ", "因缺失而剔除：") + name_ids(self.dropped))
        return "\n".join(lines)

    def headline(self) -> str:
        """Name the first and the last band."""
        f = self.frame
        i, km = f["I"].iloc[0], f["high_km"].iloc[0]
        return tell(
            f"{self.name}: I = {i:.4f} to {km:g} km, {len(f)} bands",
            f"{self.name}：{km:g} 千米内 I = {i:.4f}，共 {len(f)} 个距离段",
        )


@dataclass(frozen=True, eq=False, repr=False, kw_only=True)
class Semivariogram(Result):
    """Half of the mean squared difference of the pairs in each band of distance.

    Parameters
    ----------
    name : str
    frame : DataFrame
        A row for each band: ``low_km``, ``high_km``, ``mean_km``, ``pairs``, ``semivariance``.
    variance : float
        Of the values: the sill, where there is no trend.
    n : int
    distance : str
    dropped : Index
    """

    figure: ClassVar[str] = "semivariogram_plot"

    name: str
    frame: pd.DataFrame
    variance: float
    n: int
    distance: str
    dropped: pd.Index[Any]

    def tidy(self) -> pd.DataFrame:
        """Return a row for each band."""
        return self.frame.rename(columns={"semivariance": "estimate"}).assign(term=self.name)

    def glance(self) -> pd.DataFrame:
        """Return one row: bands, reach, pairs, variance."""
        f = self.frame
        row = {"name": self.name, "n": self.n, "bands": len(f), "reach_km": f["high_km"].iloc[-1]}
        more = {"pairs": int(f["pairs"].sum()), "variance": self.variance, "dropped": len(self.dropped)}
        return pd.DataFrame([{**row, **more, "distance": self.distance}])

    def summary(self) -> str:
        """Write the result as text."""
        title = tell(
            f"Semivariogram of {self.name} ({self.distance}), n = {self.n}, variance {self.variance:.4g}",
            f"{self.name} 的半变异函数（{shown(self.distance)}），n = {self.n}，方差 {self.variance:.4g}",
        )
        return f"{title}\n{frame_text(self.frame, digits(4, 'g'))}"

    def headline(self) -> str:
        """Name the variable, the bands and the reach."""
        km = self.frame["high_km"].iloc[-1]
        return tell(
            f"{self.name}: {len(self.frame)} bands to {km:g} km",
            f"{self.name}：至 {km:g} 千米，共 {len(self.frame)} 个距离段",
        )


@hinted
def correlogram(
    x: Values,
    cities: CitiesLike,
    *,
    bands: int | Iterable[float] = 10,
    reach_km: float | None = None,
    permutations: int = 999,
    seed: int = 0,
    alternative: Alternative = "two-sided",
    missing: Missing = "raise",
    workers: int | None = None,
    executor: Executor = None,
) -> Correlogram:
    r"""Measure Moran's I at each distance: with weight 1 for the pairs of units in a band, and else 0.

    .. math:: I(h) = \frac{n}{2 |N(h)|} \frac{2 \sum_{(i,j) \in N(h)} z_i z_j}{\sum_i z_i^2},
              \qquad N(h) = \{(i, j): \text{low} < d_{ij} \le \text{high}\}

    Parameters
    ----------
    x : Series or array, (N,)
        Matched to the cities by id.
    cities : GeoDataFrame
        Indexed by unit id; kilometres are great-circle on longitudes and latitudes, and planar on a
        projected CRS.
    bands : int or list of float
        Number of bands of equal width from 0 to `reach_km`, or their edges in km, the first of them 0 or
        more.
    reach_km : float, optional
        By default half of the diagonal of the box around the places (in space, where they are on the
        sphere), which the largest distance does not exceed: farther apart few units have any pairs.
    permutations, seed, alternative, missing, workers, executor
        As in `moran`; all bands have the same permutations.

    Returns
    -------
    Correlogram

    Raises
    ------
    DataError
        If `x` does not vary, or `bands` or `reach_km` are no distances.
    AlignmentError
        If the ids of `x` are not those of the cities.

    Examples
    --------
    >>> import geopandas as gpd
    >>> seats = gpd.points_from_xy([0, 0, 0, 0], [0, 1, 2, 3], crs=4326)
    >>> cities = gpd.GeoDataFrame(index=list("abcd"), geometry=seats)
    >>> x = pd.Series([1.0, 2.0, 3.0, 4.0], list("abcd"), name="income")
    >>> found = correlogram(x, cities, bands=[0, 150, 250, 350], permutations=0)
    >>> found.frame[["pairs", "I"]].round(3).values.tolist()
    [[3.0, 0.333], [2.0, -0.6], [1.0, -1.8]]
    """
    run = Run(permutations, seed, alternative, workers, False, executor=executor)
    data = read_places(x, cities, missing, "A correlogram")
    edges = band_edges(data.points, bands, reach_km)
    i, j, km = near_pairs(data.points, edges[-1])
    z = data.values - data.values.mean()
    band = np.searchsorted(edges, km, side="left") - 1  # low < d <= high
    band[km == edges[0]] = 0 if edges[0] == 0 else -1
    rows = []
    for b in range(len(edges) - 1):
        inside = band == b
        row = band_row(edges, b, km[inside])
        if inside.any():
            row |= _moran_of_pairs(z, i[inside], j[inside], run)
        rows.append(row)
    order = ["low_km", "high_km", "mean_km", "pairs", "units", "I", "expected", "variance", "z_value"]
    frame = pd.DataFrame(rows, columns=[*order, "p_value", "p_sim"])
    return Correlogram(
        name=data.name,
        frame=frame.assign(units=frame["units"].fillna(0).astype(int)),
        n=len(z),
        permutations=permutations,
        seed=seed,
        alternative=alternative,
        distance=data.points.distance,
        dropped=data.dropped,
    )


@hinted
def semivariogram(
    x: Values,
    cities: CitiesLike,
    *,
    bands: int | Iterable[float] = 10,
    reach_km: float | None = None,
    missing: Missing = "raise",
) -> Semivariogram:
    r"""Measure how unlike two units are at each distance (Matheron 1963).

    .. math:: \hat\gamma(h) = \frac{1}{2 |N(h)|} \sum_{(i,j) \in N(h)} (x_i - x_j)^2

    Parameters
    ----------
    x, cities, bands, reach_km, missing
        As in `correlogram`.

    Returns
    -------
    Semivariogram

    Raises
    ------
    DataError
        If `x` does not vary, or `bands` or `reach_km` are no distances.
    AlignmentError
        If the ids of `x` are not those of the cities.

    Examples
    --------
    >>> import geopandas as gpd
    >>> seats = gpd.points_from_xy([0, 0, 0, 0], [0, 1, 2, 3], crs=4326)
    >>> cities = gpd.GeoDataFrame(index=list("abcd"), geometry=seats)
    >>> x = pd.Series([1.0, 2.0, 3.0, 4.0], list("abcd"), name="income")
    >>> semivariogram(x, cities, bands=[0, 150, 250, 350]).frame["semivariance"].tolist()
    [0.5, 2.0, 4.5]
    """
    data = read_places(x, cities, missing, "A semivariogram")
    check_scale(np.ldexp(data.values, data.exponent), "A semivariogram")  # of squares, in the unit given
    edges = band_edges(data.points, bands, reach_km)
    i, j, km = near_pairs(data.points, edges[-1])
    square = np.ldexp((data.values[i] - data.values[j]) ** 2 / 2, 2 * data.exponent)
    band = np.searchsorted(edges, km, side="left") - 1
    band[km == edges[0]] = 0 if edges[0] == 0 else -1
    rows = []
    for b in range(len(edges) - 1):
        inside = band == b
        mean = float(square[inside].mean()) if inside.any() else np.nan
        rows.append({**band_row(edges, b, km[inside]), "semivariance": mean})
    return Semivariogram(
        name=data.name,
        frame=pd.DataFrame(rows),
        variance=float(np.ldexp(data.values.var(ddof=1), 2 * data.exponent)),
        n=len(data.values),
        distance=data.points.distance,
        dropped=data.dropped,
    )


def _moran_of_pairs(z: Float, i: NDArray[Any], j: NDArray[Any], run: Run) -> dict[str, Any]:
    """Return Moran's I with weight 1 for these pairs."""
    n = len(z)
    one = sparse.csr_array((np.ones(len(i)), (i, j)), shape=(n, n))
    W = sparse.csr_array(one + one.T)
    W.sort_indices()
    constants = build_constants(W)
    scale = n / (constants.total * float(z @ z))
    moments = moran_moments(z, constants)
    statistic = scale * float(z @ (W @ z))
    variance = moments.variance_randomisation
    score = (statistic - moments.expected) / np.sqrt(variance) if variance > 1e-12 else np.nan
    p_sim = np.nan
    if run.permutations:
        simulated = scale * run.simulate(z, sparse.csr_array(2 * W), label="Correlogram")
        p_sim = run.p_of(statistic, simulated)
    return {
        "units": int((np.diff(W.indptr) > 0).sum()),
        "I": statistic,
        "expected": moments.expected,
        "variance": variance,
        "z_value": score,
        "p_value": float(normal_p(score, run.alternative)),
        "p_sim": p_sim,
    }
