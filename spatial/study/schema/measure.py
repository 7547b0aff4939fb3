"""What all measures of a study share: the public function, and how keys become its arguments."""

from __future__ import annotations

from typing import Any, ClassVar

from spatial.study.calls import Ref

from .base import Section

__all__ = ["PANEL", "MeasureSection"]

PANEL = Ref("panel")
_COMMON = ("name", "kind", "en", "zh", "unit")


class MeasureSection(Section):
    """What all measures share.

    `function` is the name of the public function, `formula` what it computes.  `given` says which arguments
    the study fills in, `keys` maps a key of the section to an argument of another name, `own_keys` are keys
    that are no argument, `left_out` arguments that a study does not set; the others are of one name.
    """

    function: ClassVar[str] = ""
    formula: ClassVar[str] = ""
    keys: ClassVar[dict[str, str]] = {}
    own_keys: ClassVar[tuple[str, ...]] = ()
    left_out: ClassVar[tuple[str, ...]] = ()

    name: str
    en: str | None = None
    zh: str | None = None
    unit: str | None = None
    """Unit of measurement, shown in tables and legends, as "km" or "万人"."""

    def given(self) -> dict[str, Any]:
        """Return the arguments that the study fills in."""
        return {"panel": PANEL}

    def picked(self, value: Any) -> Any:
        """Return the column, by (unit, time), from the value of the function."""
        return value

    def arguments(self) -> dict[str, Any]:
        """Return all arguments that are not at their defaults, by name."""
        found = self.given()
        for key, field in type(self).model_fields.items():
            value = getattr(self, key)
            if key in (*_COMMON, *self.own_keys):
                continue
            if field.is_required() or value != field.get_default(call_default_factory=True):
                found[self.keys.get(key, key)] = value
        return found
