"""Decayed sums of arrays: the choice of decay, and the work shared among threads."""

from __future__ import annotations

import numbers
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from spatial.compute.threads import Workers, check_workers, run_tasks
from spatial.errors import DataError, did_you_mean
from spatial.places.points import Points
from spatial.places.sphere import EARTH_RADIUS_KM

__all__ = ["DECAYS", "Decay", "DecayName", "decayed_sums", "is_number"]

Float = NDArray[np.float64]
DecayName = Literal["power", "exponential", "gaussian", "linear"]
DECAYS: tuple[str, ...] = get_args(DecayName)

_LEAF = 32
_RANGE = 1024  # places that one thread takes at least
_CHUNK = 64  # nodes of the tree that a task takes
_BLOCK, _LEAST = 240, 1e-18  # places and share of the largest value that singles take; blocks hold some more
_FEW_CELLS = 1 << 25  # pairs times columns, up to which arrays take less than loading the kernels


def is_number(value: Any) -> bool:
    """Whether `value` is a finite real number; text and None are not."""
    real = isinstance(value, numbers.Real) and not isinstance(value, (bool, np.bool_))
    return real and bool(np.isfinite(float(value)))


@dataclass(frozen=True)
class Decay:
    r"""How a weight falls with the distance d, in the unit of the sum.

    ========== ========================== =================
    name       f(d)                       parameter
    ========== ========================== =================
    power      :math:`d^{-a}`             the power a
    exponential :math:`\exp(-d / b)`       the bandwidth b
    gaussian   :math:`\exp(-d^2 / 2b^2)`  the bandwidth b
    linear     :math:`\max(0, 1 - d / b)` the bandwidth b
    ========== ========================== =================
    """

    name: DecayName = "power"
    parameter: float = 1.0
    cutoff: float = np.inf

    def __post_init__(self) -> None:
        if self.name not in DECAYS:
            allowed = ", ".join(DECAYS)
            raise DataError(
                f"decay must be one of {allowed}; got {self.name!r}.{did_you_mean(self.name, DECAYS)}"
            )
        what = "power" if self.name == "power" else "bandwidth_km"
        if not (is_number(self.parameter) and self.parameter > 0):
            raise DataError(
                f"{what} must be a positive number for the {self.name} decay; got {self.parameter!r}."
            )
        if not self.cutoff > 0:
            raise DataError(
                f"cutoff_km must be a positive number of kilometres, or None; got {self.cutoff!r}."
            )

    def __call__(self, distance: Float) -> Float:
        """Return f(d) elementwise."""
        if self.name == "power":
            return np.asarray(distance**-self.parameter)
        ratio = distance / self.parameter
        if self.name == "exponential":
            return np.exp(-ratio)
        return np.exp(-0.5 * ratio**2) if self.name == "gaussian" else np.maximum(0.0, 1.0 - ratio)


def decayed_sums(
    points: Points,
    values: Float,
    decay: Decay,
    unit_km: float,
    tolerance: float,
    workers: Workers | None = None,
    progress: bool | None = None,
) -> Float:
    """Return the sums over j != i of f(D_ij / unit) x_j.

    Parameters
    ----------
    points : Points
        N distinct places.
    values : (k, N) float64
    decay : Decay
        In units of `unit_km`.
    unit_km : float
        The unit of distance, km.
    tolerance : float
        0 for the exact sum over all pairs; else the largest relative error, of the tree code or of singles.
    workers : int or Cluster, optional
        From `check_workers`; all cores by default.

    Returns
    -------
    (k, N) float64, the same whatever the number of threads.
    """
    workers = check_workers(None) if workers is None else workers
    if tolerance and _tree_serves(points, values, decay, tolerance):
        return _tree(points, values, decay, unit_km, tolerance, workers, progress)
    if points.n**2 * (len(values) + 8) <= _FEW_CELLS:
        return _on_arrays(points, values, decay, unit_km)
    return _all_pairs(points, values, decay, unit_km, workers, progress, tolerance)


def _on_arrays(points: Points, values: Float, decay: Decay, unit_km: float) -> Float:
    """Sum over few places without the compiler, which takes seconds on a fresh machine."""
    axes = points.axes
    out = np.empty(values.shape)
    step = max(1, (1 << 20) // points.n)
    for start in range(0, points.n, step):
        rows = np.arange(start, min(start + step, points.n))
        apart = np.sqrt(((axes[rows, None] - axes[None]) ** 2).sum(axis=2))
        if points.lonlat:
            beside = np.sqrt(((axes[rows, None] + axes[None]) ** 2).sum(axis=2))
            apart = 2 * EARTH_RADIUS_KM * np.arctan2(apart, beside)
        apart /= unit_km
        far = apart > decay.cutoff
        apart[np.arange(len(rows)), rows] = 1.0
        weight = decay(apart)
        weight[far] = 0.0
        weight[np.arange(len(rows)), rows] = 0.0
        out[:, rows] = values @ weight.T
    return out


def _all_pairs(
    points: Points,
    values: Float,
    decay: Decay,
    unit_km: float,
    workers: Workers,
    progress: bool | None,
    tolerance: float,
) -> Float:
    """Sum over all pairs, each once, compiled.

    Places are put in an order that keeps near ones together and cut into ranges.  Each range meets each
    other once, and what the meetings give adds up in one order, for any number of threads.
    """
    from .decay_tree import build_order

    x, y, z = _axes(points)
    levels = int(np.clip(np.log2(max(points.n / _RANGE, 1)), 0, 6))
    deeper = max(0, int(np.ceil(np.log2(points.n / 2**levels / _BLOCK)))) if tolerance else 0
    order, starts, _ = build_order(np.column_stack([x, y, z]), levels + deeper)
    x, y, z = (np.ascontiguousarray(axis[order]) for axis in (x, y, z))
    cuts = np.append(starts[2 ** (levels + deeper) - 1 :], points.n)
    blocks = tuple(cuts[i << deeper : ((i + 1) << deeper) + 1] for i in range(2**levels))
    ranges = tuple((int(part[0]), int(part[-1])) for part in blocks)
    columns = np.ascontiguousarray(values[:, order], dtype=np.float64)
    largest = 0
    if tolerance:  # from 0 to 1, for singles; a power of two changes no digit
        largest = np.frexp(columns.max(axis=1, keepdims=True))[1]
        columns = np.ldexp(columns, -largest)
        tolerance *= columns.min(where=columns > 0, initial=1.0) > _LEAST
    scale = (EARTH_RADIUS_KM if points.lonlat else 1.0) / unit_km
    job = _Meetings(x, y, z, columns, blocks, points.lonlat, scale, decay, tolerance)
    sums = np.zeros_like(columns)

    def collect(meeting: tuple[int, int], part: Float) -> int:
        (a, b), (c, d) = ranges[meeting[0]], ranges[meeting[1]]
        sums[:, a:b] += part[:, : b - a]
        if a != c:
            sums[:, c:d] += part[:, b - a :]
        return int((b - a) * (d - c))

    run_tasks(
        [(i, j) for i in range(len(ranges)) for j in range(i, len(ranges))],
        job,
        collect,
        workers=workers,
        total=points.n**2 // 2,
        # About 2 ns a pair, more for the decays that need an exponential.
        seconds=(1.5e-9 + 1e-9 * len(values)) * points.n**2 / 2,
        progress=progress,
        label="distance decay",
    )
    out = np.empty_like(sums)
    out[:, order] = np.ldexp(sums, largest)
    return out


@dataclass(frozen=True, eq=False)
class _Meetings:
    """The job of `_all_pairs`: a task is a pair of ranges, its part what each gives to the other."""

    x: Float
    y: Float
    z: Float
    columns: Float
    blocks: tuple[NDArray[np.int64], ...]
    on_sphere: bool
    scale: float
    decay: Decay
    tolerance: float

    def prepare(self) -> Callable[[tuple[int, int]], Float]:
        from .decay_kernels import EXPONENTIAL, GAUSSIAN, LINEAR, POWER, pair_sums

        kind = dict(zip(DECAYS, (POWER, EXPONENTIAL, GAUSSIAN, LINEAR), strict=True))[self.decay.name]
        fixed = (self.on_sphere, self.scale, kind, self.decay.parameter, self.decay.cutoff)
        bound: tuple[float, ...] = ()
        if self.tolerance:
            from .single_precision import block_sums

            bound = (max(float(np.abs(axis).max()) for axis in (self.x, self.y, self.z)), self.tolerance)

        def work(meeting: tuple[int, int]) -> Float:
            blocks = [self.blocks[i] for i in dict.fromkeys(meeting)]
            places = [slice(part[0], part[-1]) for part in blocks]
            x, y, z = (np.concatenate([a[p] for p in places]) for a in (self.x, self.y, self.z))
            columns = np.concatenate([self.columns[:, p] for p in places], axis=1)
            part, first = np.zeros_like(columns), int(places[0].stop - places[0].start)
            theirs = (0, first) if len(places) == 1 else (first, len(x))
            if bound:
                ours, others = blocks[0] - blocks[0][0], blocks[-1] - blocks[-1][0] + theirs[0]
                block_sums(x, y, z, columns, ours, others, len(places) == 1, *fixed, *bound, part)
            else:
                pair_sums(x, y, z, columns, 0, first, *theirs, *fixed, part)
            return part

        return work


def _tree(
    points: Points,
    values: Float,
    decay: Decay,
    unit_km: float,
    tolerance: float,
    workers: Workers,
    progress: bool | None,
) -> Float:
    from .decay_tree import MOMENTS, build_order, spread_ratio

    n, k = points.n, len(values)
    levels = max(0, int(np.ceil(np.log2(n / _LEAF))))
    nodes = 2 ** (levels + 1) - 1
    axes = replace(points).axes  # of a copy, which does not keep them
    order, starts, stops = build_order(axes, levels)
    x, y, z = (axes[:, axis][order] for axis in range(3))
    del axes
    columns = np.ascontiguousarray(values[:, order])
    shape, moments = np.empty((nodes, 6)), np.empty((nodes, k, MOMENTS))

    nodes_job = _Nodes(x, y, z, columns, starts, stops)

    def keep(first: int, part: tuple[Float, Float]) -> int:
        last = first + len(part[0])
        shape[first:last], moments[first:last] = part
        return last - first

    def share(job: Any, collect: Any, count: int, seconds: float, show: bool | None) -> None:
        run_tasks(
            range(0, count, _CHUNK),
            job,
            collect,
            workers=workers,
            total=count,
            seconds=seconds,
            progress=show,
            label="distance decay",
        )

    share(nodes_job, keep, nodes, 1e-7 * n * k, False)
    spread_ratio(shape, moments)
    out = np.empty_like(columns)
    leaves = 2**levels

    def fill(first: int, part: Float) -> int:
        last = min(first + _CHUNK, leaves)
        out[:, order[starts[leaves - 1 + first] : stops[leaves - 2 + last]]] = part
        return int(last - first)

    leaves_job = _Leaves(nodes_job, shape, moments, levels, decay.parameter, tolerance)
    share(leaves_job, fill, leaves, 1e-4 * n, progress)
    out *= (EARTH_RADIUS_KM / unit_km) ** -decay.parameter
    return out


def _tree_serves(points: Points, values: Float, decay: Decay, tolerance: float) -> bool:
    """Whether the tree code does; else single precision does.  Refuse what neither can bound."""
    tree = decay.name == "power" and decay.cutoff == np.inf and points.lonlat
    if not (is_number(tolerance) and (1e-9 if tree else 5e-5) <= tolerance < 1):
        text = (
            f"tolerance must be 0 (exact) or between 1e-9 and 1; got {tolerance!r}."
            if tree
            else f"tolerance must here be 0 (exact) or between 5e-5 and 1; got {tolerance!r}. Below, it "
            "needs the power decay, longitude and latitude, and no cut-off."
        )
        raise DataError(text)
    if (values < 0).any():
        raise DataError(
            f"A relative error is bounded for values >= 0 only; {int((values < 0).sum())} are negative. "
            "Use tolerance=0."
        )
    return tree


def _axes(points: Points) -> tuple[Float, Float, Float]:
    axes = points.axes if points.lonlat else np.column_stack([points.axes, np.zeros(points.n)])
    x, y, z = (np.ascontiguousarray(axes[:, a]) for a in range(3))
    return x, y, z


@dataclass(frozen=True, eq=False)
class _Nodes:
    """The job that sums up the nodes of the tree: a task is the number of the first of some nodes."""

    x: Float
    y: Float
    z: Float
    columns: Float
    starts: NDArray[np.int64]
    stops: NDArray[np.int64]

    def prepare(self) -> Callable[[int], tuple[Float, Float]]:
        from .decay_tree import MOMENTS, group_moments

        def work(first: int) -> tuple[Float, Float]:
            part = slice(first, min(first + _CHUNK, len(self.starts)))
            starts, stops = self.starts[part], self.stops[part]
            shape, moments = np.empty((len(starts), 6)), np.empty((len(starts), len(self.columns), MOMENTS))
            group_moments(self.x, self.y, self.z, self.columns, starts, stops, 0, len(starts), shape, moments)
            return shape, moments

        return work


@dataclass(frozen=True, eq=False)
class _Leaves:
    """The job that walks the tree for the places of some leaves: a task is the number of the first."""

    nodes: _Nodes
    shape: Float
    moments: Float
    levels: int
    power: float
    tolerance: float

    def prepare(self) -> Callable[[int], Float]:
        from .decay_tree import tree_sums

        at, leaves = self.nodes, 2**self.levels

        def work(first: int) -> Float:
            last = min(first + _CHUNK, leaves)
            count = at.stops[leaves - 2 + last] - at.starts[leaves - 1 + first]
            sums = np.empty((len(at.columns), count))
            tree_sums(
                at.x,
                at.y,
                at.z,
                at.columns,
                at.starts,
                at.stops,
                self.shape,
                self.moments,
                self.levels,
                first,
                last,
                self.power,
                self.tolerance,
                sums,
            )
            return sums

        return work
