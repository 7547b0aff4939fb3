"""Difference-in-differences: calendars that are odd, missing or change."""

from __future__ import annotations

import numpy as np
import pandas as pd

from audit.question import REFUSE, question

FAMILY = "Policies: calendars, never-treated units, rows twice"


def _staggered(seed: int = 5) -> pd.DataFrame:
    """120 units, 8 years, cohorts 2004, 2006 and never (0); the effect is 1 in each treated year."""
    rng = np.random.default_rng(seed)
    cohort = np.repeat([2004, 2006, 0], 40)
    frame = pd.DataFrame({"unit": np.repeat(np.arange(120), 8), "year": np.tile(np.arange(2001, 2009), 120)})
    frame["cohort"] = cohort[frame["unit"]]
    treated = (frame["cohort"] > 0) & (frame["year"] >= frame["cohort"])
    effect, shock = rng.standard_normal(120), rng.standard_normal(8)
    frame["y"] = (
        effect[frame["unit"]] + shock[frame["year"] - 2001] + treated + 0.1 * rng.standard_normal(960)
    )
    return frame


def _spatial(frame: pd.DataFrame, **options: object) -> float:
    import spatial as sp

    rows = sp.read_panel(frame, unit="unit", time="year")
    return float(sp.models.did(rows, "y", "cohort", **options).att)


def _diff_diff(frame: pd.DataFrame, **options: object) -> float:
    from diff_diff import CallawaySantAnna

    fit = CallawaySantAnna(**options).fit(frame, "y", "unit", "year", "cohort", aggregate="simple")
    return float(fit.overall_att)


def _statspai(frame: pd.DataFrame, **options: object) -> float:
    import statspai

    fit = statspai.callaway_santanna(frame, "y", "cohort", "year", "unit", **options)
    return float(statspai.aggte(fit, type="simple").estimate)


@question(FAMILY, 1.0, tolerance=0.06)
class PlainCalendar:
    """The average effect (true 1) of a plain staggered calendar: all should be right."""

    def spatial() -> float:
        return _spatial(_staggered())

    def diff_diff() -> float:
        return _diff_diff(_staggered())

    def statspai() -> float:
        return _statspai(_staggered())


@question(FAMILY, 1.0, tolerance=0.06)
class NeverTreatedAsMissing:
    """The same, where units that are never treated have an empty cohort."""

    def spatial() -> float:
        return _spatial(_staggered().assign(cohort=lambda f: f["cohort"].where(f["cohort"] > 0)))

    def diff_diff() -> float:
        return _diff_diff(_staggered().assign(cohort=lambda f: f["cohort"].where(f["cohort"] > 0)))

    def statspai() -> float:
        return _statspai(_staggered().assign(cohort=lambda f: f["cohort"].where(f["cohort"] > 0)))


@question(FAMILY, 1.0, tolerance=0.06)
class NeverTreatedAsInfinity:
    """The same, where units that are never treated have an infinite cohort."""

    def spatial() -> float:
        return _spatial(_staggered().assign(cohort=lambda f: f["cohort"].replace(0, np.inf)))

    def diff_diff() -> float:
        return _diff_diff(_staggered().assign(cohort=lambda f: f["cohort"].replace(0, np.inf)))

    def statspai() -> float:
        return _statspai(_staggered().assign(cohort=lambda f: f["cohort"].replace(0, np.inf)))


@question(FAMILY, REFUSE)
class CohortChangesWithinAUnit:
    """The average effect where one unit's cohort is 2004 in some years and 2006 in others."""

    def spatial() -> float:
        return _spatial(_changing())

    def diff_diff() -> float:
        return _diff_diff(_changing())

    def statspai() -> float:
        return _statspai(_changing())


def _changing() -> pd.DataFrame:
    frame = _staggered()
    frame.loc[(frame["unit"] == 3) & (frame["year"] > 2004), "cohort"] = 2006
    return frame


@question(FAMILY, REFUSE)
class PolicyRowTwice:
    """The average effect where one unit has two rows in one year."""

    def spatial() -> float:
        return _spatial(pd.concat([_staggered(), _staggered().head(1).assign(y=50.0)]))

    def diff_diff() -> float:
        return _diff_diff(pd.concat([_staggered(), _staggered().head(1).assign(y=50.0)]))

    def statspai() -> float:
        return _statspai(pd.concat([_staggered(), _staggered().head(1).assign(y=50.0)]))


@question(FAMILY, REFUSE)
class NobodyNeverTreated:
    """The average effect against never-treated units, where there are none."""

    def spatial() -> float:
        return _spatial(_staggered().query("cohort > 0"))

    def diff_diff() -> float:
        return _diff_diff(_staggered().query("cohort > 0"))

    def statspai() -> float:
        return _statspai(_staggered().query("cohort > 0"))


def _early() -> pd.DataFrame:
    """Forty more units, treated since the first year: they have no year before."""
    frame = _staggered()
    more = frame.query("cohort == 2004").assign(unit=lambda f: f["unit"] + 500, cohort=2001)
    return pd.concat([frame, more.assign(y=more["y"] + 30 * (more["year"] - 2001))], ignore_index=True)


@question(FAMILY, 1.0, tolerance=0.06)
class TreatedFromTheFirstYear:
    """The average effect (true 1) where forty units were treated before the data begin."""

    def spatial() -> float:
        return _spatial(_early())

    def diff_diff() -> float:
        return _diff_diff(_early())

    def statspai() -> float:
        return _statspai(_early())
