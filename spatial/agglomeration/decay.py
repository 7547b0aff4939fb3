"""Decayed sums of arrays: the choice of decay, and the work shared among threads."""

from __future__ import annotations

import numbers
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from spatial.compute.threads import check_workers, progress_bar, run_tasks, wants_bar
from spatial.errors import DataError, did_you_mean
from spatial.places.points import Points
from spatial.places.sphere import EARTH_RADIUS_KM

__all__ = ["DECAYS", "Decay", "DecayName", "decayed_sums", "is_number"]

Float = NDArray[np.float64]
DecayName = Literal["power", "exponential", "gaussian", "linear"]
DECAYS: tuple[str, ...] = get_args(DecayName)

_LEAF = 32
_RANGE = 1024  # places that one thread takes at least
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
    workers: int | None = None,
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
        0 for the exact sum over all pairs; else the largest relative error of the tree code.

    Returns
    -------
    (k, N) float64, the same whatever the number of threads.
    """
    if tolerance:
        return _tree(points, values, decay, unit_km, tolerance, workers, progress)
    check_workers(workers)
    if points.n**2 * (len(values) + 8) <= _FEW_CELLS:
        return _on_arrays(points, values, decay, unit_km)
    return _all_pairs(points, values, decay, unit_km, workers, progress)


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
    points: Points, values: Float, decay: Decay, unit_km: float, workers: int | None, progress: bool | None
) -> Float:
    """Sum over all pairs, each once, compiled.

    Places are put in an order that keeps near ones together and cut into ranges.  Pairs of ranges are
    played like a tournament: in each round every range meets one other, so that threads never add to the
    same places, and sums add up in the same order for any number of threads.
    """
    from .decay_kernels import EXPONENTIAL, GAUSSIAN, LINEAR, POWER, pair_sums
    from .decay_tree import build_order

    kind = dict(zip(DECAYS, (POWER, EXPONENTIAL, GAUSSIAN, LINEAR), strict=True))[decay.name]
    x, y, z = _axes(points)
    levels = int(np.clip(np.log2(max(points.n / _RANGE, 1)), 0, 6))
    order, starts, stops = build_order(np.column_stack([x, y, z]), levels)
    x, y, z = (np.ascontiguousarray(axis[order]) for axis in (x, y, z))
    columns = np.ascontiguousarray(values[:, order], dtype=np.float64)
    sums = np.zeros_like(columns)
    scale = (EARTH_RADIUS_KM if points.lonlat else 1.0) / unit_km
    leaves = slice(2**levels - 1, None)
    ranges = list(zip(starts[leaves].tolist(), stops[leaves].tolist(), strict=True))
    fixed = (points.lonlat, scale, kind, decay.parameter, decay.cutoff, sums)
    threads = check_workers(workers)
    # About 2 ns a pair, more for the decays that need an exponential.
    seconds = (1.5e-9 + 1e-9 * len(values)) * points.n**2 / 2
    with progress_bar(points.n**2 // 2, "distance decay", wants_bar(progress, seconds / threads)) as bar:
        for meetings in _rounds(len(ranges)):

            def play(meeting: tuple[int, int]) -> int:
                a, b, c, d = *ranges[meeting[0]], *ranges[meeting[1]]
                pair_sums(x, y, z, columns, a, b, c, d, *fixed)
                return 1

            share = seconds * len(meetings) / len(ranges) ** 2
            run_tasks(
                meetings,
                lambda play=play: play,  # type: ignore[misc]
                workers=threads,
                total=len(meetings),
                seconds=2 * share,
                progress=False,
                label="distance decay",
            )
            bar.update(sum((ranges[i][1] - ranges[i][0]) ** 2 for i, _ in meetings))
    out = np.empty_like(sums)
    out[:, order] = sums
    return out


def _rounds(n: int) -> list[list[tuple[int, int]]]:
    """Return rounds in which each of n ranges, a power of two, meets one other; first each meets itself."""
    rounds = [[(i, i) for i in range(n)]]
    rounds += [[(i, i ^ step) for i in range(n) if i < i ^ step] for step in range(1, n)]
    return rounds


def _tree(
    points: Points,
    values: Float,
    decay: Decay,
    unit_km: float,
    tolerance: float,
    workers: int | None,
    progress: bool | None,
) -> Float:
    from .decay_tree import MOMENTS, build_order, group_moments, spread_ratio, tree_sums

    _require_tree(points, values, decay, tolerance)
    n, k = points.n, len(values)
    levels = max(0, int(np.ceil(np.log2(n / _LEAF))))
    nodes = 2 ** (levels + 1) - 1
    order, starts, stops = build_order(points.axes, levels)
    x, y, z = (np.ascontiguousarray(points.axes[order, axis]) for axis in range(3))
    columns = np.ascontiguousarray(values[:, order])
    shape, moments = np.empty((nodes, 6)), np.empty((nodes, k, MOMENTS))

    def gather(first: int, last: int) -> None:
        group_moments(x, y, z, columns, starts, stops, first, last, shape, moments)

    _share(gather, nodes, 64, workers, 1e-7 * n * k, False)
    spread_ratio(shape, moments)
    sums, power = np.empty_like(columns), decay.parameter

    def work(first: int, last: int) -> None:
        tree_sums(
            x, y, z, columns, starts, stops, shape, moments, levels, first, last, power, tolerance, sums
        )

    _share(work, 2**levels, 64, workers, 1e-4 * n, progress)
    out = np.empty_like(columns)
    out[:, order] = sums
    out *= (EARTH_RADIUS_KM / unit_km) ** -decay.parameter
    return out


def _require_tree(points: Points, values: Float, decay: Decay, tolerance: float) -> None:
    if not (is_number(tolerance) and 1e-9 <= tolerance < 1):
        raise DataError(f"tolerance must be 0 (exact) or between 1e-9 and 1; got {tolerance!r}.")
    if decay.name != "power" or decay.cutoff < np.inf:
        raise DataError(
            "The tree code (tolerance > 0) serves the power decay without a cut-off; "
            f"got decay={decay.name!r}, cut-off {decay.cutoff}. Use tolerance=0."
        )
    if not points.lonlat:
        raise DataError(
            f"The tree code (tolerance > 0) works on the sphere; the CRS is {points.crs}. "
            "Use cities.to_crs(4326), or tolerance=0."
        )
    if (values < 0).any():
        raise DataError(
            f"A relative error is bounded for values >= 0 only; {int((values < 0).sum())} are negative. "
            "Use tolerance=0."
        )


def _axes(points: Points) -> tuple[Float, Float, Float]:
    axes = points.axes if points.lonlat else np.column_stack([points.axes, np.zeros(points.n)])
    x, y, z = (np.ascontiguousarray(axes[:, a]) for a in range(3))
    return x, y, z


def _share(
    work: Callable[[int, int], Any],
    n: int,
    chunk: int,
    workers: int | None,
    seconds: float,
    progress: bool | None,
) -> None:
    """Call ``work(first, last)`` over chunks of range(n); the kernels let go of the interpreter's lock."""

    def task(first: int) -> int:
        last = min(first + chunk, n)
        work(first, last)
        return last - first

    run_tasks(
        range(0, n, chunk),
        lambda: task,
        workers=check_workers(workers),
        total=n,
        seconds=seconds,
        progress=progress,
        label="distance decay",
    )
