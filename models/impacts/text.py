"""Effects in equilibrium as text."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd

from spatial.languages.shown import frame_text, shown
from spatial.words import Said, tell

from .intervals import INVERTED

if TYPE_CHECKING:
    from .result import Impacts

__all__ = ["NO_REGRESSOR", "effects_text"]

NO_REGRESSOR = Said(
    (
        "Effects in equilibrium: the system has no regressor; see cross_multipliers.",
        "均衡效应：系统中没有外生解释变量；见 cross_multipliers。",
    )
)


def effects_text(found: Impacts, table: pd.DataFrame, method: str) -> list[str]:
    """Return a title, the table of effects, and what stands below each of them."""
    run = "短期" if found.horizon == "short" else "长期"
    title = tell(
        f"Effects in equilibrium, {found.horizon} run ({found.how})", f"均衡效应，{run}（{shown(found.how)}）"
    )
    below = tell("Standard errors in parentheses: ", "括号内为标准误：") + shown(method)
    if method in INVERTED:
        below = tell(
            f"95 % intervals in brackets, by {INVERTED[method]}",
            f"方括号内为 95% 区间，由{shown(INVERTED[method])}得到",
        )
    elif found.draws:
        below += tell(
            f", {found.draws} draws, seed {found.seed}", f"，{found.draws} 次抽取，随机种子 {found.seed}"
        )
    return [
        title,
        frame_text(table, index=True),
        below + tell(". ", "。") + "*** p < .01, ** p < .05, * p < .1",
    ]
