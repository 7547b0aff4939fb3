"""Commands that are called otherwise elsewhere: what was meant is said."""

from __future__ import annotations

from typing import Any

from typer.core import TyperGroup

__all__ = ["Commands"]

_MEANT = {
    "`spatial local`": "lisa getis geary cluster clusters hotspot hotspots",
    "`spatial moran FILE COLUMN --out FOLDER`, which draws maps": "map plot scatter export layers gis qgis",
    "`spatial weights`": "w weight queen knn",
    "`spatial explore`": "report html brush",
    "a study: `spatial new study.toml`, then `spatial run study.toml`": "fit estimate model table study",
    "`spatial check`": "lint validate verify",
    "`spatial new`": "init create start",
    "`spatial --help`": "help",
    "`spatial --version`": "version",
}
_ELSEWHERE = {name: here for here, names in _MEANT.items() for name in names.split()}


class Commands(TyperGroup):
    """The commands; one that is not there is refused with what was meant."""

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """Find a command by its name."""
        name = args[0].lower() if args else ""
        if name in _ELSEWHERE and self.get_command(ctx, name) is None:
            ctx.fail(f"No such command {args[0]!r}. Did you mean {_ELSEWHERE[name]}?")
        return super().resolve_command(ctx, args)
