"""New draws of a process whose truth is known, the same fits again: bias, spread, coverage."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from spatial.compute.threads import Executor, check_workers, run_tasks
from spatial.errors import DataError, SpatialError, hinted
from spatial.languages.shown import digits, frame_text, shown
from spatial.models.mechanisms.arguments import names_of, whole_number
from spatial.results import Result
from spatial.shapefiles import load_sample
from spatial.words import Said, tell

__all__ = ["MonteCarlo", "monte_carlo"]


_DRAWS = ("{count} draws; intervals of {level}.", "抽取 {count} 次；区间为 {level}。")
_REFUSED = ("{name}: refused in {count} draws.", "{name}：{count} 次抽取中被拒绝。")


@dataclass(frozen=True, eq=False, repr=False)
class MonteCarlo(Result):
    """Estimates over draws; see `monte_carlo`.

    Parameters
    ----------
    draws : DataFrame
        seed, fit, equation, term, truth, estimate, std_error, conf_low, conf_high.
    failed : mapping of str to int
        Draws in which a fit was refused, by fit; they are in no average.
    replications : int
    level : float
    """

    draws: pd.DataFrame
    failed: Mapping[str, int]
    replications: int
    level: float

    figure = "monte_carlo_plot"

    def tidy(self) -> pd.DataFrame:
        """Return one row for each fit and term.

        truth, mean and bias of the estimates, their sd, rmse, the mean standard error, the share of intervals
        that cover the truth (with its simulation error), and the share of |t| above the normal value.
        """
        rows = []
        for key, part in self.draws.groupby(["fit", "equation", "term"], sort=False):
            gap = part["estimate"] - part["truth"]
            covers = (part["conf_low"] <= part["truth"]) & (part["truth"] <= part["conf_high"])
            far = (part["conf_low"] > 0) | (part["conf_high"] < 0)
            share, n = float(covers.mean()), len(part)
            rows.append(
                {
                    **dict(zip(("fit", "equation", "term"), key, strict=True)),
                    "truth": float(part["truth"].mean()),
                    "mean": float(part["estimate"].mean()),
                    "bias": float(gap.mean()),
                    "sd": float(part["estimate"].std(ddof=1)),
                    "rmse": float(np.sqrt((gap**2).mean())),
                    "mean_error": float(part["std_error"].mean()),
                    "coverage": share,
                    "coverage_error": float(np.sqrt(share * (1 - share) / n)),
                    "significant": float(far.mean()),
                    "draws": n,
                }
            )
        return pd.DataFrame(rows)

    def glance(self) -> pd.DataFrame:
        """Return one row: draws, fits, and how many were refused."""
        row = {"replications": self.replications, "fits": self.draws["fit"].nunique()}
        return pd.DataFrame([{**row, "failed": sum(self.failed.values())}])

    def headline(self) -> str:
        """Count the draws."""
        names = ", ".join(dict.fromkeys(self.draws["fit"]))
        return tell(f"{self.replications} draws of {names}", f"{names} 抽取 {self.replications} 次")

    @property
    def table_notes(self) -> tuple[str, ...]:
        """How many draws, and which were refused."""
        failed = {name: str(count) for name, count in self.failed.items() if count}
        said = [Said(_REFUSED, name=name, count=count) for name, count in failed.items()]
        return (Said(_DRAWS, count=str(self.replications), level=f"{self.level:.0%}"), *said)

    def summary(self) -> str:
        """Return the table, and what was refused."""
        title = tell("Monte Carlo, ", "蒙特卡洛模拟：") + self.headline()
        notes = [shown(note) for note in self.table_notes]
        return "\n".join([title, "", frame_text(self.tidy(), digits(4)), "", *notes])


@hinted
def monte_carlo(
    sample: str | Callable[[int], Any],
    fits: Mapping[str, Callable[[Any], Any]],
    replications: int = 400,
    *,
    seed: int = 0,
    terms: str | Iterable[str] | None = None,
    level: float = 0.95,
    weights: Mapping[str, str] | None = None,
    executor: Executor = None,
) -> MonteCarlo:
    r"""Draw a simulated sample again and again, fit each draw, and compare with the truth.

    .. math:: \widehat{bias} = \frac1R \sum_r (\hat\theta_r - \theta_r), \qquad
              \widehat{coverage} = \frac1R \sum_r 1\{\theta_r \in CI_r\}

    Parameters
    ----------
    sample : str or function of a seed
        A sample that is simulated, as ``"sun-simulated"``; or what draws one: it has `truth`, a frame of
        equation, term and value.
    fits : mapping of name to function
        Each takes the sample and returns a fit, as ``lambda s: sp.models.fixed_effects("y ~ x", s.panel)``.
    replications : int
        The draws have the seeds seed + 1, seed + 2, ...
    seed : int
    terms : str or list of str, optional
        Default all terms whose truth is known.
    level : float
        Of the intervals.
    weights : mapping of str to str, optional
        Names of weights in the fits to those of the truth, as ``{"K": "W"}``.
    executor : dask.distributed.Client or int, optional
        Where draws are fitted, here one after the other by default; the same numbers on any.  What fits warn
        of is said where they run.

    Returns
    -------
    MonteCarlo

    Raises
    ------
    DataError
        For a sample that was observed, and fits of which no truth is known.

    Examples
    --------
    >>> import numpy as np, pandas as pd
    >>> from types import SimpleNamespace
    >>> from spatial.models import fixed_effects
    >>> def draw(seed):
    ...     rng = np.random.default_rng(seed)
    ...     index = pd.MultiIndex.from_product([range(40), range(3)], names=["city", "year"])
    ...     data = pd.DataFrame(rng.normal(size=(120, 2)), columns=["x", "e"], index=index)
    ...     truth = pd.DataFrame({"equation": ["y"], "term": ["x"], "value": [2.0]})
    ...     return SimpleNamespace(panel=data.assign(y=2 * data.x + data.e), truth=truth)
    >>> found = monte_carlo(draw, {"fe": lambda s: fixed_effects("y ~ x", s.panel)}, 30)
    >>> found.tidy()[["truth", "mean", "draws"]].round(1).to_numpy().tolist()
    [[2.0, 2.0, 30.0]]
    """
    count = whole_number("replications", replications, 2, 1_000_000)
    if not isinstance(fits, Mapping) or not fits:
        raise DataError("monte_carlo needs fits: a mapping of names to functions of the sample.")
    if not 0 < level < 1:
        raise DataError(f"level is between 0 and 1; got {level!r}.")
    draw = sample if callable(sample) else lambda number: load_sample(sample, seed=number)
    wanted = None if terms is None else names_of(terms, "terms")
    failed = dict.fromkeys(map(str, fits), 0)
    rows: list[pd.DataFrame] = []

    def collect(_: int, part: list[tuple[str, pd.DataFrame | None]]) -> int:
        for name, found in part:
            if found is None:
                failed[name] += 1
            else:
                rows.append(found)
        return 1

    run_tasks(
        range(seed + 1, seed + count + 1),
        _Draws(draw, fits, wanted, level, weights or {}),
        collect,
        workers=1 if executor is None else check_workers(None, executor),
        total=count,
        seconds=_SECONDS * count * len(fits),
        progress=None,
        label="draws",
    )
    frame = pd.concat(rows, ignore_index=True) if rows else pd.DataFrame()
    if not len(frame):
        raise DataError(
            f"The truth of no coefficient of {', '.join(map(str, fits))} is known, or every draw was "
            f"refused; refused: {failed}."
        )
    return MonteCarlo(frame, failed, count, level)


_SECONDS = 0.05
"""Of a fit of one draw, roughly."""


@dataclass(frozen=True, eq=False)
class _Draws:
    """The job of `monte_carlo`: a task is the seed of a draw."""

    draw: Callable[[int], Any]
    fits: Mapping[str, Callable[[Any], Any]]
    terms: list[str] | None
    level: float
    weights: Mapping[str, str]

    def prepare(self) -> Callable[[int], list[tuple[str, pd.DataFrame | None]]]:
        def work(number: int) -> list[tuple[str, pd.DataFrame | None]]:
            drawn = self.draw(number)
            truth = getattr(drawn, "truth", None)
            if truth is None:
                raise DataError("monte_carlo draws samples whose truth is known; this one has none.")
            known = truth.set_index(["equation", "term"])["value"]
            found: list[tuple[str, pd.DataFrame | None]] = []
            for name, make in self.fits.items():
                try:
                    fit = make(drawn)
                except SpatialError:
                    found.append((str(name), None))
                    continue
                rows = _compared(fit, known, self.terms, self.level, self.weights)
                found.append((str(name), rows.assign(seed=number, fit=str(name))))
            return found

        return work


def _compared(
    fit: Any, known: pd.Series[Any], terms: list[str] | None, level: float, weights: Mapping[str, str]
) -> pd.DataFrame:
    """Return the estimates of a draw whose truth is known."""
    frame = fit.tidy(level)
    kept = ["equation", "term", "estimate", "std_error", "conf_low", "conf_high"]
    keys = [(row.equation, as_known(str(row.term), weights)) for row in frame.itertuples()]
    has = [
        key in known.index and (terms is None or row in terms)
        for key, row in zip(keys, frame["term"], strict=True)
    ]
    found = frame.loc[has, kept].copy()
    found["truth"] = [float(known[key]) for key, keep in zip(keys, has, strict=True) if keep]
    return found


def as_known(term: str, weights: Mapping[str, str]) -> str:
    """Return a term with its weights as the truth calls them.

    Examples
    --------
    >>> as_known("K(Vag)", {"K": "W"})
    'W(Vag)'
    """
    found = re.fullmatch(r"(\w+)\((.*)\)", term)
    return f"{weights[found[1]]}({found[2]})" if found and found[1] in weights else term
