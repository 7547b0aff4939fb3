"""Regions: neighbours that are alike put together, by pruning a tree or as many as a threshold allows."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, get_args

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import sparse
from scipy.sparse.csgraph import connected_components

from spatial.autocorrelation.inference import weights_line
from spatial.autocorrelation.sample import Missing, describe_weights, sample
from spatial.errors import DataError, WeightsError, did_you_mean, hinted, name_ids
from spatial.ids.alignment import aligned_values
from spatial.ids.numbers import Values
from spatial.io.sources import need
from spatial.languages.shown import digits, frame_text
from spatial.panel.panel import PanelLike
from spatial.results import Result, drawn_by
from spatial.weights.value import WeightsLike
from spatial.words import tell

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["Regions", "regions"]

Float = NDArray[np.float64]
RegionMethod = Literal["skater", "max-p"]


@dataclass(frozen=True, eq=False, repr=False, kw_only=True)
class Regions(Result):
    """Which region each unit is in, and how alike the units of a region are.

    Parameters
    ----------
    frame : DataFrame by id
        ``region``, numbered from 1 in the order of the ids; and the variables.
    method : {"skater", "max-p"}
    within, total : float
        Sums of squares of the standardised variables: round the means of regions, and round those of all.
    seed : int
    weights : str
    dropped : Index
        Units cut as missing.
    """

    frame: pd.DataFrame
    method: RegionMethod
    within: float
    total: float
    seed: int
    weights: str
    dropped: pd.Index[Any]

    @property
    def n(self) -> int:
        """How many regions there are."""
        return int(self.frame["region"].max())

    def tidy(self) -> pd.DataFrame:
        """Return a row for each region: units, and the means of the variables."""
        grouped = self.frame.groupby("region", sort=True)
        means = grouped.mean(numeric_only=True)
        return means.assign(units=grouped.size()).reset_index()[["region", "units", *means.columns]]

    def glance(self) -> pd.DataFrame:
        """Return one row: regions, units, and the share of the variation that lies between regions."""
        row = {
            "method": self.method,
            "regions": self.n,
            "n": len(self.frame),
            "within": self.within,
            "between_share": 1 - self.within / self.total,
            "smallest": int(self.frame["region"].value_counts().min()),
            "seed": self.seed,
            "weights": self.weights,
            "dropped": len(self.dropped),
        }
        return pd.DataFrame([row])

    def headline(self) -> str:
        """Name the number of regions and what they explain."""
        return (
            tell(f"{self.n} of {len(self.frame)} units", f"{len(self.frame)} 个个体分为 {self.n} 个区域")
            + f" ({self.method}), "
            + tell("{:.1%} between", "区域间差异占 {:.1%}").format(1 - self.within / self.total)
        )

    def summary(self) -> str:
        """Write the result as text."""
        lines = [tell("Regions: ", "区域：") + self.headline(), weights_line(self)]
        return "\n".join([*lines, frame_text(self.tidy(), digits(4, "g"))])

    def plot(self, *args: Any, ax: Axes | None = None, **options: Any) -> Axes:
        """Map the regions over the `cities` given, each in a colour of its own; up to twenty."""
        cities = args[0] if args else options.pop("cities", None)
        if cities is None:
            raise DataError("A map of regions needs the cities: result.plot(cities).")
        options.setdefault("cmap", None if self.n <= 6 else _colours(self.n))
        axes: Axes = drawn_by("map_values")(cities, self.frame["region"], ax=ax, scheme="unique", **options)
        return axes


@hinted
def regions(
    data: PanelLike,
    W: WeightsLike,
    *,
    n: int | None = None,
    method: RegionMethod = "skater",
    fewest: int = 1,
    population: Values | None = None,
    at_least: float | None = None,
    tries: int = 20,
    seed: int = 0,
    missing: Missing = "raise",
) -> Regions:
    r"""Put neighbours that are alike into regions, each of one piece.

    "skater" cuts the minimum spanning tree of the neighbours' dissimilarities `n` - 1 times, each time where

    .. math:: \sum_{r} \sum_{i \in r} \lVert x_i - \bar x_r \rVert^2

    falls most (Assuncao et al. 2006, eq. 2); "max-p" makes as many regions as it can that hold `at_least` so
    much of `population` each, and then swaps units at their edges (Wei, Rey and Knaap 2021).  Variables are
    standardised.  Computed by spopt (extra ``regions``); its time grows with the square of the units, so it
    is for hundreds, or a few thousands of them.

    Parameters
    ----------
    data : Series or DataFrame by id
        What shall be alike: one variable or several.
    W : Weights or Graph
        Who neighbours whom, of one piece; its values do not count.
    n : int, optional
        Number of regions, of "skater".
    method : {"skater", "max-p"}
    fewest : int
        Fewest units of a region, of "skater".
    population : Series by id, optional
        Of "max-p": what each region must hold enough of, in its own unit; default the number of units.
    at_least : float, optional
        Of "max-p": how much each region must hold.
    tries : int
        Of "max-p": how often regions are grown from the start, the best of which is kept.
    seed : int
        Of "max-p", which draws at random; numpy's own generator is left as it was.
    missing : {"raise", "drop"}

    Returns
    -------
    Regions

    Raises
    ------
    AlignmentError
        Where the ids of data and weights differ.
    WeightsError
        Where the neighbours are in several pieces.
    DataError
        For options of the other method, more regions than units, a threshold that all units together do not
        reach, and where spopt is not installed.

    Examples
    --------
    >>> import spatial as sp
    >>> x = pd.Series([1.0, 1.1, 0.9, 5.0, 5.2, 4.9], index=list("abcdef"))
    >>> links = pd.DataFrame({"i": list("abcde"), "j": list("bcdef"), "w": 1.0})
    >>> W = sp.weights.Weights.from_frame(pd.concat([links, links.rename(columns={"i": "j", "j": "i"})]))
    >>> regions(x, W, n=2).frame["region"].tolist()
    [1, 1, 1, 2, 2, 2]
    """
    if method not in get_args(RegionMethod):
        names = get_args(RegionMethod)
        raise DataError(f"method is 'skater' or 'max-p'; got {method!r}.{did_you_mean(method, names)}")
    need("spopt", "regions", "sp.regions")
    columns = dict(_columns(data))
    found = sample(columns, W, missing=missing, statistic="Regions", least=2)
    ids, links = found.weights.ids, _pattern(found.weights.sparse)
    _require_one_piece(links, ids)
    values = np.ldexp(found.values, np.array(found.exponents))
    z = (found.values - found.values.mean(axis=0)) / found.values.std(axis=0)
    if method == "skater":
        labels = _skater(z, links, _count(n, len(z), population, at_least), _fewest(fewest, n, len(z)))
    else:
        held = _held(population, at_least, n, ids)
        labels = _max_p(z, links, held, float(at_least or 0.0), _whole(tries, "tries", 1, 100_000), seed)
    region = _numbered(labels, ids)
    frame = pd.DataFrame({"region": region}, index=ids)
    for name, column in zip(columns, values.T, strict=True):
        frame[name] = column
    within = float(
        sum(((z[region == r] - z[region == r].mean(axis=0)) ** 2).sum() for r in np.unique(region))
    )
    return Regions(
        frame=frame,
        method=method,
        within=within,
        total=float((z**2).sum()),
        seed=seed,
        weights=describe_weights(found.weights),
        dropped=found.dropped,
    )


def _numbered(labels: NDArray[np.intp], ids: pd.Index[Any]) -> NDArray[np.intp]:
    """Number the regions by their first ids, whatever the order of the rows."""
    order = np.argsort(ids.astype(str).to_numpy(dtype=object), kind="stable")
    region = np.empty(len(ids), dtype=np.intp)
    region[order] = pd.factorize(labels[order])[0] + 1
    return region


# ---- what was asked
def _columns(data: Any) -> Iterator[tuple[str, Any]]:
    """Yield the variables with their names."""
    if isinstance(data, pd.DataFrame) and not isinstance(data.index, pd.MultiIndex):
        if data.columns.empty:
            raise DataError("Regions need a variable at least; the table has no column.")
        yield from ((str(name), data[name]) for name in data.columns)
    else:
        yield str(getattr(data, "name", None) or "x"), data


def _pattern(matrix: sparse.csr_array) -> sparse.csr_array:
    """Return who neighbours whom, both ways and nobody themselves, as ones."""
    both = sparse.csr_array(((matrix != 0) + (matrix.T != 0)) > 0, dtype=np.float64)
    both.setdiag(0.0)
    both.eliminate_zeros()
    return both


def _require_one_piece(links: sparse.csr_array, ids: pd.Index[Any]) -> None:
    count, piece = connected_components(links, directed=False)
    if count > 1:
        small = ids[piece != np.bincount(piece).argmax()]
        raise WeightsError(
            f"Regions need neighbours of one piece; these are in {count} pieces. Apart from the largest: "
            f"{name_ids(small)}. Link them (islands='nearest', W.edit(add=...)) or leave them out (W.subset)."
        )


def _whole(value: Any, name: str, least: int, most: int) -> int:
    if isinstance(value, bool) or not isinstance(value, (int, np.integer)) or not least <= value <= most:
        raise DataError(f"{name} must be a whole number from {least} to {most}; got {value!r}.")
    return int(value)


def _count(n: Any, units: int, population: Any, at_least: Any) -> int:
    if population is not None or at_least is not None:
        raise DataError("population and at_least are of method='max-p'; 'skater' takes n= and fewest=.")
    if n is None:
        raise DataError("'skater' needs n, the number of regions, as n=5.")
    return _whole(n, "n", 1, units)


def _fewest(fewest: Any, n: Any, units: int) -> int:
    return _whole(fewest, "fewest", 1, units // int(n))


def _held(population: Any, at_least: Any, n: Any, ids: pd.Index[Any]) -> Float:
    """Return what the units hold of the population; refuse a threshold that cannot be."""
    if n is not None:
        raise DataError("'max-p' finds the number of regions itself: leave n out, and give at_least=.")
    held = np.ones(len(ids)) if population is None else aligned_values(population, ids, "the population")
    if not np.isfinite(held).all() or (held < 0).any():
        bad = ids[~(np.isfinite(held) & (held >= 0))]
        raise DataError(f"population must be finite and not negative; it is not at {name_ids(bad)}.")
    if at_least is None or not 0 < float(at_least) <= held.sum():
        raise DataError(
            f"at_least must be above 0 and at most what all units hold, {held.sum():g}; got {at_least!r}."
        )
    return held


# ---- spopt
def _libpysal(links: sparse.csr_array) -> Any:
    """Return weights for spopt, which counts rows and sets the weights that it is given to binary."""
    from libpysal.weights import W

    ends = np.split(links.indices, links.indptr[1:-1])
    return W({row: list(map(int, near)) for row, near in enumerate(ends)}, silence_warnings=True)


def _apart(x: Any, y: Any = None) -> Float:
    """Return squared distances, and 1 more.

    spopt takes a dissimilarity of zero for no link, so neighbours that are equal would be parted; what all
    pairs have more changes neither the tree nor where it is cut.
    """
    other = x if y is None else y
    return np.asarray(((x[:, None, :] - other[None, :, :]) ** 2).sum(axis=2) + 1.0)


def _skater(z: Float, links: sparse.csr_array, n: int, fewest: int) -> NDArray[np.intp]:
    from spopt.region import Skater

    table = pd.DataFrame(z)
    options = {"dissimilarity": _apart, "affinity": None, "reduction": np.sum, "center": np.mean}
    with _own_random(0):
        model = Skater(table, _libpysal(links), list(table.columns), n, fewest, spanning_forest_kwds=options)
        model.solve()
    found = np.asarray(model.labels_, dtype=np.intp)
    made = len(np.unique(found))
    if made < n:
        raise DataError(
            f"No more than {made} regions of {fewest} units or more can be cut from the tree; n = {n} was "
            "asked for. Take a smaller n or fewest."
        )
    return found


def _max_p(
    z: Float, links: sparse.csr_array, held: Float, at_least: float, tries: int, seed: int
) -> NDArray[np.intp]:
    from spopt.region import MaxPHeuristic

    table = pd.DataFrame(z).assign(held=held)
    with _own_random(seed):
        model = MaxPHeuristic(
            table, _libpysal(links), list(range(z.shape[1])), "held", at_least, top_n=2,
            max_iterations_construction=tries, max_iterations_sa=1,
        )  # fmt: skip
        model.solve()
    return np.asarray(model.labels_, dtype=np.intp)


@contextmanager
def _own_random(seed: int) -> Iterator[None]:
    """Seed the generator that spopt draws from, and leave the caller's as it was."""
    import warnings

    before = np.random.get_state()  # noqa: NPY002 - the one that spopt draws from
    np.random.seed(seed)  # noqa: NPY002
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        np.random.set_state(before)  # noqa: NPY002


def _colours(count: int) -> list[str]:
    """Return so many colours that nobody orders; more than twenty cannot be told apart."""
    if count > 20:
        raise DataError(
            f"{count} regions cannot be told apart by colours: map_values(cities, result.frame['region']) "
            "with a cmap of your own, or write_layers, shows them."
        )
    from matplotlib import colormaps
    from matplotlib.colors import to_hex

    return [to_hex(colour) for colour in colormaps["tab20"](range(count))]
