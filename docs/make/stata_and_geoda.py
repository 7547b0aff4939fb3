"""Numbers of Stata and GeoDa themselves, of spatialreg's effects and tests, and of plm's instruments, beside ours."""

from __future__ import annotations

from collections.abc import Iterator

from side_by_side import Beside

_LEFT = "log(gsp) ~ log(pcap) + log(pc) + log(emp) + unemp"


def comparisons() -> Iterator[Beside]:
    """Give each comparison."""
    yield from _xsmle()
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
            "Stata 18, xsmle 1.4.5 (as kept by github.com/brycewang-stanford/StatsPAI-JSS-replication)",
            f"xsmle lgsp lpcap lpc lemp unemp, {model} fe type(ind)",
            f'formula = "{_LEFT}{right}"\n'
            f'system = sp.models.SpatialSystem(formula, produc, {{"W": W_states}}, effects="unit"{error})\n'
            'fit = system.fit("ml", compat="direct", cov="observed")',
            numbers,
            why='`compat="direct"` divides the variance by NT as xsmle does',
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
