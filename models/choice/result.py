"""The choice between spatial models as a value: its tests, its recommendation, its weak points."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar

import pandas as pd

from spatial.languages.shown import shown
from spatial.models.hypothesis import HypothesisTest
from spatial.models.results import SystemFit
from spatial.results import Fit
from spatial.words import check_language, said, tell

from .words import STEPS, WORDS

__all__ = ["GROUPS", "ModelChoice"]

GROUPS: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("step_1", ("lm_lag", "rlm_lag", "lm_error", "rlm_error")),
    ("step_2", ("wald_sar", "lr_sar", "wald_sem", "lr_sem")),
    ("step_3", ("hausman", "mundlak")),
    ("step_4", ("variance",)),
)


@dataclass(frozen=True, eq=False, repr=False)
class ModelChoice(Fit):
    """Which spatial model the tests point to; nothing is chosen in silence.

    Parameters
    ----------
    outcome : str
    weights : str
        Their name.
    tests : mapping of str to HypothesisTest
        By step: ``lm_lag``, ``rlm_lag``, ``lm_error``, ``rlm_error`` of least squares; ``lr_sar``,
        ``wald_sar``, ``lr_sem``, ``wald_sem`` of the Durbin model; ``hausman``, ``mundlak``; ``variance``.
    recommended : str
        ``"OLS"``, ``"SAR"``, ``"SEM"`` or ``"SDM"``.
    why : str
        Key of the reason.
    effects : str
        ``"fixed"``, ``"random"`` or ``""``.
    alpha : float
        Of all decisions.
    fits : mapping of str to SystemFit
        ``OLS``, ``SAR``, ``SEM``, ``SDM``, and ``SDM RE`` where it was estimated.
    """

    printed: ClassVar[str] = "selection_table"

    outcome: str
    weights: str
    tests: Mapping[str, HypothesisTest]
    recommended: str
    why: str
    effects: str
    alpha: float
    fits: Mapping[str, SystemFit] = field(repr=False)

    @property
    def fit(self) -> SystemFit:
        """The fit that is recommended."""
        key = "SDM RE" if self.effects == "random" and self.recommended == "SDM" else self.recommended
        return self.fits[key]

    def rejects(self, step: str) -> bool:
        """Whether the null of a step is rejected."""
        return bool(self.tests[step].p_value < self.alpha)

    def tidy(self) -> pd.DataFrame:
        """Return a row for each test, with whether its null is rejected."""
        rows = [
            {
                "step": key,
                "test": STEPS[key][0],
                "statistic": test.statistic,
                "distribution": test.reference,
                "df": float(test.df),
                "p_value": test.p_value,
                "rejected": self.rejects(key),
                "null": test.null,
                "reason": test.reason,
            }
            for key, test in self.tests.items()
        ]
        return pd.DataFrame(rows)

    def glance(self) -> pd.DataFrame:
        """Return one row: the recommendation and the size."""
        first = self.fits["SDM"]
        row = {
            "outcome": self.outcome,
            "recommended": self.recommended,
            "effects": self.effects or "none",
            "alpha": self.alpha,
            "weights": self.weights,
            "n_units": first.n_units,
            "n_times": first.n_times,
            "n_obs": first.n_obs,
        }
        return pd.DataFrame([row])

    def headline(self) -> str:
        """Return the recommendation in short."""
        effects = tell(f", {self.effects} effects", f"，{shown(self.effects)}效应") if self.effects else ""
        return tell(f"of {self.outcome}: ", f"{self.outcome}：") + f"{self.recommended}{effects}"

    def recommendation(self, lang: str | None = None) -> str:
        """Return what is recommended, and why."""
        lang = check_language(lang)
        effects = said(WORDS, f"with_{self.effects}", lang) if self.effects else ""
        advice = said(WORDS, "advice", lang, model=said(WORDS, self.recommended, lang), effects=effects)
        reason = said(WORDS, f"why_{self.why}", lang)
        if lang == "zh":
            return f"{advice}理由：{reason}。"
        return f"{advice} {reason[0].upper()}{reason[1:]}."

    def weak_points(self, lang: str | None = None) -> tuple[str, ...]:
        """Return what such a choice does not know."""
        lang = check_language(lang)
        keys = ["weak_pretest", "weak_weights", "weak_variance" if self.rejects("variance") else "weak_iid"]
        if self.tests["mundlak"].computed:
            keys.append("weak_effects")
        found = [said(WORDS, key, lang) for key in keys]
        for key, test in self.tests.items():
            if not test.computed:
                found.append(f"{said(STEPS, key, lang)}: {test.reason}.")
        return tuple(found)

    def head(self, lang: str | None = None) -> str:
        """Return the size, the effects and the weights."""
        lang = check_language(lang)
        fit = self.fits["SDM"]
        named = [said(WORDS, e, lang) if e in WORDS else e for e in fit.effects]
        shown = " + ".join(named) or said(WORDS, "none", lang)
        return said(WORDS, "head", lang, n=fit.n_units, t=fit.n_times, effects=shown, weights=self.weights)

    def decision(self, step: str, lang: str | None = None) -> str:
        """Return what a test decides, in words."""
        lang = check_language(lang)
        test = self.tests[step]
        if not test.computed:
            return said(WORDS, "failed", lang)
        return said(WORDS, "rejected" if self.rejects(step) else "kept", lang)

    def summary(self, lang: str | None = None) -> str:
        """Return the path as a tree, the recommendation in words, and its weak points."""
        lang = check_language(lang)
        lines = [said(WORDS, "title", lang, outcome=self.outcome), self.head(lang)]
        for group, steps in GROUPS:
            shown = [key for key in steps if key in self.tests]
            lines += [said(WORDS, group, lang)] if shown else []
            for key in shown:
                test, name = self.tests[key], said(STEPS, key, lang)
                value = f"{test.reference} = {test.statistic:.3f}, p = {test.p_value:.4f}: "
                branch, decided = "└" if key == shown[-1] else "├", self.decision(key, lang)
                lines.append(f"   {branch} {name}: {value if test.computed else ''}{decided}")
        lines += ["", self.recommendation(lang)]
        return "\n".join([*lines, *(f"- {text}" for text in self.weak_points(lang))])

    def table(self, **options: Any) -> Any:
        """Return the table of a paper; options ``lang``, ``digits``, ``title``, ``notes``."""
        return self._table(options)
