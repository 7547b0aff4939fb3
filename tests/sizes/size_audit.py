"""What an audit measured of each item before it was mended, and the rows that measure it now.

The audit: 300 to 400 draws a cell, N in 50 to 150, T in 1, 6 and 20, errors iid, heteroskedastic or AR(1) .7
within the unit.  It stands beside today's sizes in docs/simulation.md.
"""

from __future__ import annotations

from dataclasses import dataclass

import sizes_of_few as few
import sizes_of_likelihood as likelihood
import sizes_of_models as models
import sizes_of_statistics as statistics
from size_engine import Design, Size
from size_list import SIZES

__all__ = ["AUDIT", "Audited"]


@dataclass(frozen=True)
class Audited:
    """An item, what was measured of it, and where it is measured now, as (design, keys).

    Parameters
    ----------
    item : str
    before : str
        Sizes, or coverage where it says so.
    now : tuple of (Design, str)
    said : str
        What else was done.
    """

    item: str
    before: str
    now: tuple[tuple[Design, str], ...]
    said: str = ""

    @property
    def rows(self) -> list[Size]:
        """The rows of the list."""
        return [
            next(size for size in SIZES if size.design is design and size.key == key)
            for design, key in self.now
        ]


def _keys(design: Design, *keys: str) -> tuple[tuple[Design, str], ...]:
    return tuple((design, key) for key in keys)


_POOLED = ("p_normality", "p_randomisation", "p_sim")
_LM = ("lm lag", "lm error", "robust lm lag", "robust lm error", "sarma")

AUDIT = [
    Audited("Breusch-Pagan LM, iid", ".34-.36", _keys(models.TWO, "bp", "bp c")),
    Audited("Breusch-Pagan LM, AR(1)", ".34-.36", _keys(models.TWO_SERIAL, "bp c"), "clustered form"),
    Audited("Two-step GMM, coverage", ".78-.91", _keys(models.GMM, "gmm"), "Windmeijer, t(C - 1)"),
    Audited(
        "Pooled Moran's I, AR(1)",
        ".22-.23",
        _keys(statistics.PERSISTENT, *(f"pooled within {kind}" for kind in _POOLED)),
        "whole trajectories",
    ),
    Audited(
        "Pooled Moran's I, a common trend",
        ".987",
        _keys(statistics.TREND, *(f"pooled within {kind}" for kind in _POOLED)),
        "deviations from each time's mean",
    ),
    Audited(
        "Bivariate Moran's I, r = .95 in place",
        ".15-.18",
        _keys(statistics.RELATED, "bivariate randomisation", "bivariate permutation"),
        "pairs are permuted",
    ),
    Audited(
        "Bivariate Moran's I and Lee's L, both autocorrelated",
        ".23-.35",
        _keys(statistics.CLUSTERED, "spectral permutation", "Lee spectral"),
        'null="spectral"',
    ),
    Audited("Hansen J, clustered, 4 instruments", "not measured", _keys(models.IV_SERIAL, "j")),
    Audited("Hansen J, clustered, 12 moments", ".02", _keys(models.TWELVE, "j"), "centred, read as F"),
    Audited("Hansen J, clustered, 28 moments, 50 clusters", "0", _keys(models.TWENTY_EIGHT, "j")),
    Audited("Durbin against error", ".017", _keys(models.SEM, "error"), "y on X, WX, W2X"),
    Audited(
        "p-value of first stages",
        ".22 (5 instruments), .32 (10)",
        (*_keys(models.IRRELEVANT, "first lm", "kp"), *_keys(models.TEN, "first lm")),
        "LM, clustered",
    ),
    Audited(
        "Sigma convergence, trend",
        ".25",
        _keys(statistics.DISPERSION, *(f"trend of {t}" for t in ("sd_log", "cv", "sd_log_local"))),
        "clustered by unit",
    ),
    Audited(
        "Driscoll-Kraay, coverage, T = 20",
        ".84-.91 (T = 6: .60-.87)",
        _keys(models.COMMON, "driscoll-kraay"),
        "fixed-b; refused below 10 times",
    ),
    Audited("Two-way clusters, coverage", ".81 (T = 6)", _keys(models.COMMON, "two-way"), "t(min C - 1)"),
    Audited(
        "Spatial Markov and LISA transitions",
        ".287 (LR, 80 df)",
        _keys(statistics.MARKOV, "chain LR", "chain Q", "moves"),
        "trajectories are permuted",
    ),
    Audited(
        "Pesaran CD, AR(1)", ".13 (T = 20)", _keys(models.SERIAL, "cd"), "divided by its own correlations"
    ),
    Audited("Pesaran CD, iid", ".073 (T = 3)", _keys(models.IID, "cd")),
    Audited("LM family, AR(1)", ".08-.16", _keys(models.SERIAL, *(f"{k} c" for k in _LM)), "clustered form"),
    Audited("LM family, iid", "holds", _keys(models.IID, *_LM)),
    Audited("LM family, iid, two-way effects", "not measured", _keys(models.BOTH, *_LM), "centred matrix"),
    Audited("Sargan, AR(1)", ".19-.28", _keys(models.IV_SERIAL, "j"), "clustered J is printed first"),
    Audited("J of a system, AR(1)", ".43", _keys(models.TWO_SERIAL, "system j c"), "clustered form"),
    Audited("Anselin-Kelejian, AR(1)", "to .14", _keys(models.IV_SERIAL, "ak c"), "clustered form"),
    Audited(
        "Geary's C, skewed values",
        ".227 (normality)",
        _keys(statistics.SKEWED, "skewed normality", "skewed randomisation", "skewed permutation"),
        "normality warns of itself",
    ),
    Audited("Mundlak", ".08-.10", _keys(models.IID, "mundlak"), "CR2, F(q, C - 1)"),
    Audited(
        "2SLS and effects, coverage, N = 50, T = 1",
        ".86-.92",
        _keys(few.SECTION, "slope cr2", "direct delta", "indirect delta", "total delta"),
        "CR2, t",
    ),
    Audited("Conley, coverage, T = 1", ".77-.86", _keys(models.PLACES, "conley"), "t by pairs"),
    Audited("Conley, coverage, panel", ".82-.87", _keys(models.WITHIN, "conley"), "within units too"),
    Audited(
        "Local p of counts with ties", ".021", _keys(statistics.COUNTED, "local Moran of counts"), "mid-p"
    ),
    Audited("Few clusters, coverage", "not measured", _keys(few.PROVINCES, "cr1", "cr2"), "CR1; CR2"),
    Audited("Hausman by likelihood", ".09-.14", _keys(likelihood.RANDOM, "hausman"), "one place for both"),
]
