"""Simulated samples: the printed moments, measures that give the process back, seeds, and their parts."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

import spatial as sp
from spatial.shapefiles.simulated import sun
from spatial.shapefiles.simulated.fields import bounded, placed
from spatial.shapefiles.simulated.panels import city_seats, slopes, within

# Sun (2025), Table 2: mean, standard deviation, minimum, maximum.
TABLE_2 = {
    "Res": (0.0966, 0.070, 0.0100, 0.5651),
    "Vag": (0.6454, 0.533, 0.0000, 6.1919),
    "Int": (0.2003, 0.198, 0.0020, 2.0164),
    "Hum": (0.0175, 0.023, 0.0001, 0.1848),
    "Den": (0.0432, 0.034, 0.0005, 0.3430),
    "Ued": (6.8894, 1.417, 1.7047, 12.0627),
    "Gov": (0.1735, 0.093, 0.0313, 1.0268),
}
# What its resilience index adds up, but for unemployment, which lowers it.
POSITIVE = [
    *("gdp_pc", "firms_large", "fiscal_self", "retail", "beds", "savings_pc"),
    *("freight", "students_pc", "tech_share", "loans", "open"),
]


@pytest.fixture(scope="module")
def drawn() -> Any:
    return sp.shapefiles.load_sample("sun-simulated")


@pytest.fixture(scope="module")
def measured(drawn: Any) -> Any:
    cities, panel = drawn
    panel = panel.interpolate(sun.GAPS)
    panel = panel.with_columns(
        Vag=sp.virtual_agglomeration(panel, "it_firms", "firms", cities, quotient_of="own").values,
        Res=sp.entropy_index(panel, POSITIVE, ["unemployment"]).index,
        SH=sp.industrial_upgrading(panel, "y1", "y2", "y3"),
        Ued=np.log(panel["gdp"] / panel["area"]),
    )
    for name, (a, b) in {
        "Int": ("broadband", "population"),
        "Hum": ("students", "population"),
        "Den": ("district_pop", "district_area"),
        "Gov": ("fiscal", "gdp"),
    }.items():
        panel = panel.with_columns({name: panel[a] / panel[b]})
    return panel


@pytest.mark.evidence(
    "shapefiles.load_sample",
    digits=3,
    source="Sun (2025), Table 2: means and ranges",
    differs="printed to three decimals",
)
def test_the_printed_table_of_descriptions_comes_back(drawn: Any, measured: Any) -> None:
    assert (measured.n_units, measured.n_times, len(measured)) == (283, 21, 5943)
    assert sorted(measured.times)[0] == 2003
    missing = {c: int(drawn.panel[c].isna().sum()) for c in drawn.panel.columns}
    assert {c for c, n in missing.items() if n} == set(sun.GAPS)
    assert all(14 <= missing[c] <= 18 for c in sun.GAPS)
    for name, (mean, sd, low, high) in TABLE_2.items():
        found = measured[name]
        # Interpolated cells differ from the drawn ones: of the last printed digit at most.
        assert found.mean() == pytest.approx(mean, abs=2e-4), name
        assert found.std() == pytest.approx(sd, abs=6e-4), name
        assert found.min() == pytest.approx(low, abs=1e-4), name
        assert found.max() == pytest.approx(high, abs=2e-3), name


def test_the_coefficients_are_those_of_the_paper(measured: Any) -> None:
    """Sun (2025), Table 3: .033 without controls, .015 with; the slopes of the shipped draw."""
    one = sp.models.fixed_effects("Res ~ Vag", measured).params.iloc[0]
    two = sp.models.fixed_effects("Res ~ Vag + Int + Hum + Den + Ued + Gov", measured)
    assert one == pytest.approx(0.033, abs=0.003)
    frame = two.tidy().set_index("term")
    for name, slope in sun.SLOPES.items():
        assert frame.loc[name, "conf_low"] < slope < frame.loc[name, "conf_high"], name
    for outcome, slope in (("patents", 0.606), ("SH", 0.091)):
        fit = sp.models.fixed_effects(f"{outcome} ~ Vag + Int + Hum + Den + Ued + Gov", measured)
        row = fit.tidy().iloc[0]
        assert row["conf_low"] < slope < row["conf_high"]


def test_a_seed_is_a_draw(drawn: Any) -> None:
    again = sun.draw()
    pd.testing.assert_frame_equal(again[1].frame, drawn.panel.frame)
    assert drawn.simulated
    assert drawn.labels("zh")["patents"] == "创新水平"
    assert drawn.labels()["patents"] == "Innovation"
    assert drawn.truth.set_index(["equation", "term"]).loc[("Res", "W(Vag)"), "value"] == 0.006
    with pytest.raises(sp.SpatialError, match="'nc' was observed: it has no seed"):
        sp.shapefiles.load_sample("nc", seed=1)
    with pytest.raises(sp.SpatialError, match="Did you mean 'sun-simulated'"):
        sp.shapefiles.load_sample("sun-simulate")
    for seed in (-1, "x", True):
        with pytest.raises(sp.SpatialError, match="seed is a whole number"):
            sp.shapefiles.load_sample("sun-simulated", seed=seed)  # type: ignore[arg-type]


# ---- industries
# Bai, Table 1: mean, standard deviation, minimum, maximum.
TABLE_1 = {
    "ER": (1.972, 3.387, -19.857, 18.868),
    "PSS": (2.724, 3.883, 0.098, 38.390),
    "PSD": (2.230, 0.227, 1.206, 2.706),
    "Gov": (0.171, 0.077, 0.043, 0.688),
    "PGDP": (10.400, 0.632, 4.595, 13.060),
    "RD": (0.880, 2.193, -5.552, 11.680),
}


def test_a_table_of_industries_measures_to_the_printed_descriptions() -> None:
    sample = sp.shapefiles.load_sample("bai-simulated")
    jobs, nation = sample.tables["jobs"], sample.references["jobs"]
    assert jobs.frame.shape == (241 * 12, 19)
    assert (nation.to_numpy() > jobs.frame.groupby(level=1).sum().to_numpy()).all()
    rows = sample.panel.frame.index
    found = sample.panel.with_columns(
        ER=sp.sensitivity_resilience(jobs, reference=nation).index.reindex(rows),
        PSS=sp.location_quotient(jobs, reference=nation)["采矿业"].reindex(rows),
        PSD=sp.diversity(jobs).reindex(rows),
    )
    assert len(found) == 2651
    for name, (mean, sd, low, high) in TABLE_1.items():
        values = found[name]
        assert values.mean() == pytest.approx(mean, abs=6e-4), name
        assert values.std() == pytest.approx(sd, abs=1.5e-3), name
        assert values.min() == pytest.approx(low, abs=6e-4 if name != "ER" else 0.4), name
        assert values.max() == pytest.approx(high, abs=6e-4), name
    assert (found["Interact"] == 0).mean() == pytest.approx(0.19, abs=0.02)
    truth = sample.truth.set_index(["equation", "term"])["value"]
    assert truth["ER", "PSS"] == 0.439  # Table 2, column (1)
    assert truth["ER", "PSD"] == -0.234  # Table 3, column (1)


# ---- a policy
def test_a_policy_that_spills_is_drawn_with_its_truth() -> None:
    sample = sp.shapefiles.load_sample("smart-city-simulated")
    panel = sample.panel
    assert (panel.n_units, panel.n_times) == (284, 14)
    cohorts = panel["cohort"].groupby(level=0).first().value_counts().to_dict()
    assert cohorts == {0: 160, 2012: 48, 2013: 42, 2014: 34}
    truth = sample.truth.set_index(["equation", "term"])["value"]
    assert truth["InnRes", "ATT"] == pytest.approx(0.0239, abs=5e-5)
    quotient = sp.location_quotient(sample.tables["jobs"], reference=sample.references["jobs"]).frame
    for industry in ("制造业", "金融业"):
        found = quotient[industry]
        moments = (found.mean(), found.std(), found.min(), found.max())
        np.testing.assert_allclose(moments, (0.92, 0.42, 0.05, 3.2), rtol=1e-6)
    assert panel["InnRes"].between(0.012 - 1e-12, 0.742 + 1e-12).all()


# ---- the parts
def test_a_field_with_short_tails_is_mapped_too() -> None:
    # As draw 72 of Bai's full Monte Carlo: the range goes nine deviations below the mean, z to -2.7 only.
    field = (np.tanh(0.4 * np.random.default_rng(0).normal(size=2651)) / 0.4)[:, None]
    made = bounded(field, 10.4, 0.632, 4.595, 13.06)
    found = [made.mean(), made.std(ddof=1), made.min(), made.max()]
    assert found == pytest.approx([10.4, 0.632, 4.595, 13.06], abs=1e-7)


def test_a_bounded_map_keeps_ranks_and_gives_four_moments() -> None:
    field = np.random.default_rng(2).normal(size=(50, 8))
    made = bounded(field, 2.7, 3.9, 0.1, 38.4)
    found = (made.mean(), made.std(ddof=1), made.min(), made.max())
    np.testing.assert_allclose(found, (2.7, 3.9, 0.1, 38.4), rtol=1e-6)
    assert (np.argsort(made.ravel()) == np.argsort(field.ravel())).all()
    with pytest.raises(sp.SpatialError, match="these moments do not fit together"):
        bounded(field, 0.5, 5.0, 0.0, 1.0)


def test_placed_means_leave_every_cell_in_range() -> None:
    rng = np.random.default_rng(3)
    moves = rng.normal(size=(80, 6)) * 0.05
    moves -= moves.mean(axis=1, keepdims=True)
    values = placed(moves, rng.normal(size=(80, 1)), (0.5, 0.2, 0.0, 1.0)) + moves
    found = (values.mean(), values.std(), values.min(), values.max())
    np.testing.assert_allclose(found, (0.5, 0.2, 0.0, 1.0), atol=1e-6)


def test_the_slopes_are_those_of_fixed_effects() -> None:
    rng = np.random.default_rng(4)
    x, y = rng.normal(size=(2, 40, 5))
    y = y + 2 * x + rng.normal(size=(40, 1))
    b, se, _ = slopes(y, [x])
    rows = pd.MultiIndex.from_product([range(40), range(5)], names=["unit", "year"])
    panel = sp.Panel(pd.DataFrame({"x": x.ravel(), "y": y.ravel()}, index=rows))
    fit = sp.models.fixed_effects("y ~ x", panel)
    assert b[0] == pytest.approx(fit.params.iloc[0], rel=1e-10)
    assert se[0] == pytest.approx(fit.std_errors.iloc[0], rel=0.02)
    assert np.abs(within(y).mean(axis=0)).max() < 1e-12


def test_the_cities_are_fixed() -> None:
    assert [len(city_seats(n)) for n in (284, 283, 241)] == [284, 283, 241]
    assert "中卫市" not in set(city_seats(283)["name"])
    assert not (city_seats(241)["province"] == "西藏自治区").any()
