"""Numbers of Stata and GeoDa themselves, of spatialreg's effects and tests, and of plm's instruments, beside ours."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pandas as pd
from side_by_side import Beside

import spatial as sp

_KEPT = "as kept by github.com/brycewang-stanford/StatsPAI-JSS-replication"
_LEFT = "log(gsp) ~ log(pcap) + log(pc) + log(emp) + unemp"


def comparisons() -> Iterator[Beside]:
    """Give each comparison."""
    yield from _xsmle()
    yield from _spregress()
    yield _reghdfe()
    yield _csdid()
    yield _geoda()
    yield from _after_columbus()
    yield _crime()


def _xsmle() -> Iterator[Beside]:
    """Stata's own numbers, as a public repository keeps them: xsmle 1.4.5 in Stata 18, tolerances of 1e-14."""
    for model, right, error, numbers in (
        (
            "wmat(W) model(sar)",
            " + W(log(gsp))",
            "",
            (
                ("rho (the lag)", 0.274688711433, 'fit.params["log(gsp)", "W(log(gsp))"]'),
                ("its standard error", 0.021085140362, 'fit.std_errors["log(gsp)", "W(log(gsp))"]'),
                ("log(pcap)", -0.0465818934874, 'fit.params["log(gsp)", "log(pcap)"]'),
                ("log-likelihood", 1609.72002982, 'dict(fit.facts)["log_likelihood"]'),
            ),
        ),
        (
            "emat(W) model(sem)",
            "",
            ', error="W"',
            (
                ("lambda (the error)", 0.557401313505, "fit.rho.iloc[0]"),
                ("log(emp)", 0.782253979094, 'fit.params["log(gsp)", "log(emp)"]'),
                ("its standard error", 0.0278150669813, 'fit.std_errors["log(gsp)", "log(emp)"]'),
                ("log-likelihood", 1634.02068047, 'dict(fit.facts)["log_likelihood"]'),
            ),
        ),
        (
            "wmat(W) model(sdm)",
            " + W(log(pcap)) + W(log(pc)) + W(log(emp)) + W(unemp) + W(log(gsp))",
            "",
            (
                ("rho (the lag)", 0.493304354994, 'fit.params["log(gsp)", "W(log(gsp))"]'),
                ("W(log(emp))", -0.410255543465, 'fit.params["log(gsp)", "W(log(emp))"]'),
                ("its standard error", 0.0492937569983, 'fit.std_errors["log(gsp)", "W(log(emp))"]'),
                ("log-likelihood", 1655.01902834, 'dict(fit.facts)["log_likelihood"]'),
            ),
        ),
    ):
        yield Beside(
            f"Stata 18, xsmle 1.4.5 ({_KEPT})",
            f"xsmle lgsp lpcap lpc lemp unemp, {model} fe type(ind)",
            f'formula = "{_LEFT}{right}"\n'
            f'system = sp.models.SpatialSystem(formula, produc, {{"W": W_states}}, effects="unit"{error})\n'
            'fit = system.fit("ml", compat="direct", cov="observed")',
            numbers,
            why='`compat="direct"` divides the variance by NT as xsmle does',
        )


def drawn() -> dict[str, object]:
    """Return the data that the repository's Stata runs are of: numpy's draws of seeds 42 and 43, drawn again here."""
    row, column = np.divmod(np.arange(144), 12)
    near = abs(row[:, None] - row) + abs(column[:, None] - column) == 1
    ids = [f"{r}-{c}" for r, c in zip(row, column, strict=True)]
    rook = sp.Weights.from_dense(near.astype(float), ids=ids).row_standardized()
    inverse = np.linalg.inv(np.eye(144) - 0.5 * rook.sparse.toarray())

    def lattice(seed: int) -> tuple[pd.DataFrame, np.ndarray, np.ndarray]:
        random = np.random.default_rng(seed)
        x1, x2, noise = random.normal(size=144), random.normal(size=144), random.normal(size=144)
        return pd.DataFrame({"x1": x1, "x2": x2}, index=ids), 1.0 + 0.7 * x1 - 0.4 * x2, noise

    lagged, mean, noise = lattice(42)
    lagged["y"] = inverse @ (mean + noise)
    correlated, mean, noise = lattice(43)
    correlated["y"] = mean + inverse @ noise
    random, n = np.random.default_rng(42), 10_000
    firm, year = random.integers(0, 250, size=n), random.integers(0, 20, size=n)
    of_firm, of_year = random.normal(0, 1.0, size=250), random.normal(0, 0.5, size=20)
    x1, x2 = random.normal(size=n), random.normal(size=n)
    y = 2 * x1 - 1.5 * x2 + of_firm[firm] + of_year[year] + random.normal(scale=0.5, size=n)
    firms = pd.DataFrame({"y": y, "x1": x1, "x2": x2, "firm": firm, "year": year})
    return {"W_lattice": rook, "lagged": lagged, "correlated": correlated, "firms": firms}


def _spregress() -> Iterator[Beside]:
    """Coefficients only: spregress takes its errors from a numerical Hessian."""
    for command, right, error, numbers in (
        (
            "dvarlag(W)",
            " + W(y)",
            "",
            (
                ("W(y)", 0.54869916092942539, 'fit.params["y", "W(y)"]'),
                ("x1", 0.8017316950947706, 'fit.params["y", "x1"]'),
                ("constant", 0.92339522470701363, 'fit.params["y", "Intercept"]'),
            ),
        ),
        (
            "errorlag(W)",
            "",
            ', error="W"',
            (
                ("W(e.y)", 0.59834246992461537, "fit.rho.iloc[0]"),
                ("x1", 0.79056270193602463, 'fit.params["y", "x1"]'),
                ("constant", 1.999199008935802, 'fit.params["y", "Intercept"]'),
            ),
        ),
        (
            "dvarlag(W) ivarlag(W: x1 x2)",
            " + W(x1) + W(x2) + W(y)",
            "",
            (
                ("W(y)", 0.55489371699361723, 'fit.params["y", "W(y)"]'),
                ("W(x1)", -0.19482913054143269, 'fit.params["y", "W(x1)"]'),
                ("x2", -0.37104736720473708, 'fit.params["y", "x2"]'),
            ),
        ),
    ):
        yield Beside(
            f"Stata 18, spregress ({_KEPT})",
            f"spregress y x1 x2, ml {command}",
            f'system = sp.models.SpatialSystem("y ~ x1 + x2{right}", lagged, {{"W": W_lattice}}{error})\n'
            'fit = system.fit("ml")',
            numbers,
            2e-7,
            "Stata's optimiser stops at about 1e-7",
        )
    yield Beside(
        f"Stata 18, spregress ({_KEPT})",
        "spregress y x1 x2, gs2sls errorlag(W)",
        'system = sp.models.SpatialSystem("y ~ x1 + x2", correlated, {"W": W_lattice}, error="W")\n'
        'fit = system.fit("gs2sls", cov="hom", passes=0)',
        (
            ("x1", 0.73666732219008246, 'fit.params["y", "x1"]'),
            ("x2", -0.43468903808719978, 'fit.params["y", "x2"]'),
            ("constant", 1.03360062248426, 'fit.params["y", "Intercept"]'),
            ("W(e.y)", 0.47259521034717078, "fit.rho.iloc[0]"),
        ),
        2e-5,
        "the moments of the error have their minimum here to rounding; Stata minimises them step by step",
    )


def _reghdfe() -> Beside:
    return Beside(
        f"Stata 18, reghdfe ({_KEPT})",
        "reghdfe y x1 x2, absorb(firm year) vce(cluster firm)",
        'fit = sp.models.fixed_effects("y ~ x1 + x2", firms, effects=("firm", "year"), cov=sp.models.Cluster("firm"))',
        (
            ("x1", 1.9995039795655261, 'fit.params["y", "x1"]'),
            ("x2", -1.499980487059356, 'fit.params["y", "x2"]'),
            ("standard error of x1", 0.0053525443427234996, 'fit.std_errors["y", "x1"]'),
            ("standard error of x2", 0.0050748585178909001, 'fit.std_errors["y", "x2"]'),
        ),
        1e-10,
    )


def _csdid() -> Beside:
    theirs = {
        (2004, 2004): -0.019372312476238, (2004, 2007): -0.100811371525515, (2006, 2003): 0.004501809315248,
        (2006, 2006): 0.004660857807506, (2006, 2007): -0.041224479598135, (2007, 2004): 0.033812979531708,
        (2007, 2007): -0.026054398765965,
    }  # fmt: skip
    return Beside(
        f"Stata 18, csdid 1.81 ({_KEPT})",
        "csdid lemp, ivar(countyreal) time(year) gvar(first_treat) notyet long2 method(reg)",
        'single = counties.with_columns({"lemp": counties["lemp"].astype("float32").astype(float)})\n'
        'fit = sp.models.did(single, "lemp", "first", control_group="not-yet")\n'
        'cells = fit.att_gt.set_index(["cohort", "time"])["estimate"]',
        tuple((f"ATT({g}, {t})", value, f"cells[{g}, {t}]") for (g, t), value in theirs.items()),
        1e-11,
        "Stata's `import delimited` reads numbers in single precision, and so are they taken here",
    )


def _geoda() -> Beside:
    ours = (
        'nc = sp.read_cities("nc")\n'
        'x = (nc["sid74"] / nc["bir74"]).rename("rate")\n'
        "W = sp.weights.contiguity(nc).row_standardized()\n"
        "local, geary = sp.local_moran(x, W, permutations=0).frame, sp.local_geary(x, W, permutations=0).frame\n"
        "g = sp.getis_ord(x, W, star=False, permutations=0).frame\n"
        'joins = sp.local_join_counts((x > x.mean()).astype(float).rename("high"), sp.weights.contiguity(nc)).frame\n'
        "n = len(nc)"
    )
    return Beside(
        "GeoDa's engine, libgeoda (pygeoda 0.1.3)",
        "w = pygeoda.queen_weights(nc)\n"
        "pygeoda.local_moran(w, rate); pygeoda.local_geary(w, rate); pygeoda.local_g(w, rate); "
        "pygeoda.local_joincount(w, high)",
        ours,
        (
            ("Moran's I, the mean of the local ones", 0.2286013443574138, 'local["Ii"].mean() * (n - 1) / n'),
            ("local Moran of the first county", -0.0631895223049759, 'local["Ii"].iloc[0] * (n - 1) / n'),
            ("local Geary of the first county", 0.6375144247975695, 'geary["Ci"].iloc[0] * (n - 1) / n'),
            ("local G of the first county", 0.009085970180066232, 'g["G"].iloc[0]'),
            ("joins of the eighth county", 4.0, 'joins["joins"].iloc[7]'),
            ("mean number of neighbours", 4.9, "W.cardinalities.mean()"),
        ),
        why="GeoDa divides the variance by n - 1, ours (as spdep, and Anselin 1995) by n: compared after that factor",
    )


def _after_columbus() -> Iterator[Beside]:
    yield Beside(
        "R spatialreg 1.4-2; Stata `estat impact` has the same effects",
        "impacts(stsls(CRIME ~ INC + HOVAL, columbus, queen), listw = queen)",
        'fit = sp.models.SpatialSystem("CRIME ~ W(CRIME) + INC + HOVAL", columbus, W).fit("2sls")\n'
        'effects = fit.impacts(draws=0).frame.set_index(["term", "effect"])["estimate"]',
        (
            ("INC, direct", -1.06054095453392, 'effects["INC", "direct"]'),
            ("INC, indirect", -0.795077641848765, 'effects["INC", "indirect"]'),
            ("HOVAL, total", -0.493302423618477, 'effects["HOVAL", "total"]'),
        ),
    )


def _crime() -> Beside:
    controls = (
        "log(prbconv) + log(prbpris) + log(avgsen) + log(density) + log(wcon) + log(wtuc) + log(wtrd) + log(wfir)"
        " + log(wser) + log(wmfg) + log(wfed) + log(wsta) + log(wloc) + log(pctymle)"
    )
    return Beside(
        "R plm 2.6; Stata `xtivreg lcrmrte ... i.year (lprbarr lpolpc = ltaxpc lmix), fe` (Cornwell and Trumbull 1994)",
        'plm(lcrmrte ~ lprbarr + lpolpc + ... + factor(year) | . - lprbarr - lpolpc + ltaxpc + lmix, Crime, model = "within")',
        f'exogenous = "{controls}"\n'
        'formula = f"log(crmrte) ~ {exogenous} | unit + time | log(prbarr) + log(polpc) ~ log(taxpc) + log(mix)"\n'
        'fit = sp.models.fixed_effects(formula, sp.shapefiles.load("nc_crime"), cov="hom")',
        (
            ("arrests", -0.575401314473718, 'fit.params["log(crmrte)", "log(prbarr)"]'),
            ("police", 0.657416907892865, 'fit.params["log(crmrte)", "log(polpc)"]'),
            ("standard error of arrests", 0.801996020088811, 'fit.std_errors["log(crmrte)", "log(prbarr)"]'),
            ("standard error of police", 0.846667431562431, 'fit.std_errors["log(crmrte)", "log(polpc)"]'),
        ),
        5e-4,
        "R's file holds police per head to seven places and its log beside it: the two differ by up to 8e-5",
    )
