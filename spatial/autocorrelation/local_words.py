"""What local statistics say of themselves: how many units are in each cluster, and how they were tested."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from typing import Any, ClassVar

import pandas as pd

from spatial.compute.pvalues import Alternative, alternative_words, smallest_p
from spatial.languages.shown import head, shown
from spatial.results import Result
from spatial.words import tell

from .inference import notes

__all__ = ["LocalWords", "Tally"]


@dataclass(frozen=True)
class Tally:
    """What a summary counts.

    Parameters
    ----------
    n : int
        Units.
    clusters : dict
        Units by cluster.
    analytic, simulated : int
        Units with a p-value of either kind.
    one_by_one, held : int
        Units with a p-value at or below the level: their own, and adjusted for the false discovery rate.
    """

    n: int
    clusters: dict[str, int]
    analytic: int
    simulated: int
    one_by_one: int
    held: int

    @classmethod
    def of(cls, frame: pd.DataFrame, permutations: int, alpha: float) -> Tally:
        """Count in a table."""
        simulated = frame["p_sim"]
        analytic = frame.get("p_value", simulated)
        p = simulated if permutations else analytic
        return cls(
            n=len(frame),
            clusters={str(k): int(c) for k, c in frame["cluster"].value_counts(sort=False).items()},
            analytic=int(analytic.notna().sum()),
            simulated=int(simulated.notna().sum()),
            one_by_one=int((p <= alpha).sum()),
            held=int((frame["p_fdr"] <= alpha).sum()),
        )

    def __add__(self, other: Tally) -> Tally:
        """Count the units of both."""
        both = {kind: count + other.clusters[kind] for kind, count in self.clusters.items()}
        rest = {key: vars(self)[key] + vars(other)[key] for key in vars(self) if key != "clusters"}
        return Tally(clusters=both, **rest)

    @property
    def line(self) -> str:
        """How many units are in each cluster, in words."""
        comma = tell(", ", "，")
        return comma.join(f"{shown(kind)} {count}" for kind, count in self.clusters.items())


class LocalWords(Result):
    """What a local statistic says of itself, wherever its table is."""

    name: str
    alpha: float
    fdr: bool
    permutations: int
    seed: int
    stop_after: int | None
    alternative: Alternative
    weights: str
    dropped: pd.Index[Any]
    hypothesis: ClassVar[str] = "given the value of a unit, those of others fall to its neighbours at random"
    """What is true if the test of a unit does not reject, and what it takes for granted."""

    @cached_property
    def tally(self) -> Tally:
        """How many units are in each cluster, and below the level."""
        raise NotImplementedError  # pragma: no cover - each kind has its own

    def _titled(self) -> str:
        """What the statistic is called."""
        raise NotImplementedError  # pragma: no cover - each kind has its own

    @property
    def smallest_p(self) -> float:
        """The smallest p_sim that so many permutations can give: no level below it can be reached."""
        return smallest_p(self.permutations, self.alternative)

    @property
    def sidedness(self) -> str:
        """Which tail the p-values are of, in words."""
        return alternative_words(self.alternative)

    @property
    def basis(self) -> str:
        """The column of p-values that the clusters go by."""
        return "p_fdr" if self.fdr else ("p_sim" if self.permutations else "p_value")

    @property
    def permutations_for_fdr(self) -> int:
        """Permutations from which the false discovery rate can call one unit alone significant.

        With R of them the smallest two-sided p is 2/(R + 1), which has to be alpha/m or less over m units.
        """
        tails = 2 if self.alternative == "two-sided" else 1
        return math.ceil(tails * max(self.tally.analytic, 1) / self.alpha - 1e-9) - 1

    def _floor(self) -> list[str]:
        """Say where the permutations are too few for the false discovery rate to call one unit alone."""
        if not 0 < self.permutations < self.permutations_for_fdr:
            return []
        tests = self.tally.simulated
        together = math.ceil(self.smallest_p * tests / self.alpha - 1e-9)
        return [
            tell(
                f"False discovery rate: {self.permutations} permutations can call none significant at "
                f"{self.alpha:g} unless {together} or more of {tests} units have the smallest p together; "
                f"for one alone pass permutations={self.permutations_for_fdr}.",
                f"错误发现率：{self.permutations} 次置换下，{tests} 个个体中须有 {together} 个以上"
                f"同时达到最小 p 值，才可能在 {self.alpha:g} 水平上判为显著；要判定单个个体，请取 "
                f"permutations={self.permutations_for_fdr}。",
            )
        ]

    def glance(self) -> pd.DataFrame:
        """Return one row: how many units are in each cluster."""
        stop = () if self.stop_after is None else ("stop_after",)
        more = ("alpha", "fdr", "permutations", "seed", *stop, "alternative", "weights")
        row = {"name": self.name, **self._also(), "n": self.tally.n, **self.tally.clusters}
        return pd.DataFrame([{**row, **{k: getattr(self, k) for k in more}, "dropped": len(self.dropped)}])

    def _also(self) -> dict[str, Any]:
        """Return further fields of `glance`."""
        return {}

    def summary(self) -> str:
        """Write the result as text."""
        comma, found = tell(", ", "，"), self.tally
        also = "".join(comma + self._said(k, v) for k, v in self._also().items() if isinstance(v, float))
        lines = [
            tell(f"{self._titled()} of {self.name}: ", f"{self.name} 的{shown(self._titled())}：")
            + f"n = {found.n}{also}",
            tell(
                f"  clusters at {self.basis} <= {self.alpha:g}: {found.line}",
                f"  聚类（{head(self.basis)} ≤ {self.alpha:g}）：{found.line}",
            ),
            tell(
                f"  significant one by one: {found.one_by_one}; with the false discovery rate held at "
                f"{self.alpha:g}: {found.held}",
                f"  逐个检验显著：{found.one_by_one} 个；错误发现率控制在 {self.alpha:g} 时：{found.held} 个",
            ),
        ]
        return "\n".join(lines + notes(self) + self._floor())

    def _said(self, key: str, value: float) -> str:
        return f"{tell('global I', '全局 I') if key == 'I' else head(key)} = {value:.6f}"

    def headline(self) -> str:
        """Name the variable and count the clusters."""
        return f"{self.name}: {self.tally.line}"
