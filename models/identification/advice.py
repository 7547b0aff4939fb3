"""What to tell a researcher whose equation is not identified, or only weakly."""

from __future__ import annotations

import pandas as pd

from .pattern import SystemPattern

__all__ = ["advice_data", "advice_form", "advice_weak", "faint"]

WEAK = 0.05


def faint(instruments: pd.DataFrame) -> dict[str, tuple[float, float]]:
    """Return the endogenous regressors whose statistic is below its critical value, with both."""
    if not len(instruments):
        return {}
    low = instruments[~(instruments["strength"] >= instruments["critical_value"])]
    pairs = zip(low["strength"], low["critical_value"], strict=True)
    return dict(zip(low["regressor"], pairs, strict=True))


def advice_form(found: SystemPattern, g: int, rank: int, remedies: tuple[str, ...]) -> str:
    """Say why the form of an equation cannot be told from the others, and what would help."""
    structure = found.structure
    others = [name for h, name in enumerate(structure.names) if h != g]
    if rank == 0:
        why = (
            "Every variable of this equation is also in the others: a mixture of the equations has its form."
        )
        if not others:
            why = "Nothing outside this equation moves its endogenous regressors."
    else:
        why = (
            "The variables that it leaves out do not tell the other equations apart: "
            "a mixture of the equations has its form."
        )
    lines = [why]
    missing = found.pattern.equations - 1 - rank
    if remedies:
        lines.append(f"Leave out one of: {', '.join(remedies)}.")
    elif missing > 1:
        lines.append(
            f"No single exclusion is enough: leave out at least {missing} variables of this equation."
        )
    if others:
        whose = (
            f"the equation of {others[0]}" if len(others) == 1 else f"the equations of {', '.join(others)}"
        )
        lines.append(f"Or put into {whose} an exogenous variable that is not in this one, or name an")
    else:
        lines.append("Name an")
    lines.append("instrument from outside the system with instruments=.")
    return "\n".join(lines)


def advice_data(found: SystemPattern, g: int, instruments: int | None) -> str:
    """Say why X and W do not identify an equation whose form would do."""
    count = len(found.structure.equations[g].terms)
    rank = count if instruments is None else instruments
    if rank < count:
        return (
            f"{count} coefficients, {rank} independent instruments after the effects are taken out.\n"
            "Add exogenous variables, raise iv_order, or name instruments from outside with instruments=."
        )
    return (
        "The form would do, but with these X and W a combination of the regressors cannot be told from the\n"
        "others: W and its powers, or regressors and their lags, are dependent once the effects are out.\n"
        "Use other weights, more exogenous variables, or instruments from outside with instruments=."
    )


def advice_weak(smallest: float, low: dict[str, tuple[float, float]], equations: int) -> str:
    """Say by which measure an equation is weakly identified."""
    lines = []
    if smallest < WEAK:
        lines.append(
            f"Even with endless data the regressors are nearly dependent ({smallest:.2g} < {WEAK:g}): "
            "expect large standard errors."
        )
    if low:
        shown = ", ".join(f"{name} {value:.3g} < {least:.3g}" for name, (value, least) in low.items())
        lines.append(f"First-stage F below its critical value: {shown}.")
        lines.append("fit.anderson_rubin() gives confidence sets that hold however weak instruments are.")
    if equations > 1:
        lines.append(
            "An exogenous variable of another equation, excluded here, is stronger than spatial lags."
        )
    else:
        lines.append("An instrument from outside the equation is stronger than spatial lags.")
    return "\n".join(lines)
