"""From formulas, an open panel and weights to a system that is fitted from the disk."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from spatial.errors import DataError
from spatial.models.data.blueprint import build_blueprint
from spatial.models.data.weights import error_weights, named_weights, used_weights
from spatial.models.formula.asked import joined_terms, read_effects, read_formulas
from spatial.models.formula.grammar import parse_terms
from spatial.panel.folder import OpenPanel
from spatial.weights.blocks.value import OpenWeights
from spatial.weights.value import Weights, WeightsLike, as_weights

from .columns import OpenSource, Plan
from .observed import observe
from .rows import choose
from .system import LargeSystem

__all__ = ["open_system"]


def open_system(
    formulas: str | Iterable[str] | Mapping[str, str],
    panel: OpenPanel,
    weights: WeightsLike | Mapping[str, WeightsLike] | None = None,
    *,
    effects: str | Iterable[str] = (),
    error: str | WeightsLike | Mapping[str, str | WeightsLike | None] | None = None,
    instruments: str | Iterable[str] | None = None,
    iv_order: int | None = None,
    unbalanced: str = "raise",
    where: str | None = None,
    lags: str = "full",
) -> LargeSystem:
    """Return the system of an open panel; arguments are those of `spatial.models.SpatialSystem`.

    An unbalanced panel is read once here, to find which cells are complete.
    """
    if unbalanced not in ("raise", "balance", "induced"):
        raise DataError(f"unbalanced is 'raise', 'balance' or 'induced'; got {unbalanced!r}.")
    if lags != "full" or (where is not None and unbalanced != "raise"):
        raise DataError(
            "Of a panel on disk where= takes lags of the whole map, and all cells of it: lags='within', and "
            f"unbalanced= with where=, need it in memory: panel.read(), {panel.size()}."
        )
    order = 2 if iv_order is None else iv_order
    if isinstance(order, bool) or not isinstance(order, int) or not 0 <= order <= 6:
        raise DataError(f"iv_order is a whole number from 0 to 6; got {iv_order!r}.")
    named = named_weights(weights, convert=_as_given)
    parsed = read_formulas(formulas, tuple(named))
    errors, named = error_weights(error, tuple(parsed), named, _as_given)
    used = used_weights(parsed, errors, named)
    units = next(iter(named.values())).ids if named else panel.units(every=unbalanced != "raise")
    source = OpenSource(panel, units, panel.times)
    chosen = read_effects(parsed, effects, source)
    text = joined_terms(instruments)
    extra = parse_terms(text, tuple(used)) if text else ()
    blueprint = build_blueprint(parsed, source, tuple(named), errors, extra, text, bool(chosen))
    names = tuple(":".join(e) for e in chosen)
    plan = Plan(blueprint, panel, units, used, names, order, iv_order is not None)
    if unbalanced != "raise":
        return LargeSystem(observe(plan, unbalanced))
    return LargeSystem(plan if where is None else choose(plan, where))


def _as_given(weights: WeightsLike) -> Weights | OpenWeights:
    """Return weights on disk as they are: their blocks are walked."""
    return weights if isinstance(weights, OpenWeights) else as_weights(weights)
