"""The commands: help and refusals in the language in force, in English those of typer; and what was meant."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from typer.core import TyperCommand, TyperGroup

from spatial.languages.messages import in_language
from spatial.words import in_force

__all__ = ["Commands", "SpokenCommand"]

_WIDEST = 32  # of the left column
_EXTRA = r"\s*\[((?:default: |required|env var: ).*|[^\[\]]*; required)\]$"
_IN_EXTRA = (("default: ", "默认："), ("required", "必填"), ("env var: ", "环境变量："), ("; ", "；"))


class _Spoken:
    """A command whose help and usage speak the language in force."""

    def get_help(self, ctx: Any) -> str:
        """Return the help."""
        return str(super().get_help(ctx)) if in_force() == "en" else _help(self, ctx)  # type: ignore[misc]

    def get_usage(self, ctx: Any) -> str:
        """Return the line that says how the command is called."""
        return str(super().get_usage(ctx)) if in_force() == "en" else _usage(self, ctx)  # type: ignore[misc]


class SpokenCommand(_Spoken, TyperCommand):
    """One command."""


@contextmanager
def _refusals() -> Iterator[None]:
    """Say what is wrong with a command line in the language in force, and leave with its code."""
    try:
        yield
    except Exception as error:
        # A call without words asks for help, which is said already.  Old and new typer have each their own
        # classes of these errors, so they are known by what they can do.
        is_help = type(error).__name__ == "NoArgsIsHelpError"
        if in_force() == "en" or is_help or not hasattr(error, "format_message"):
            raise
        ctx, said = getattr(error, "ctx", None), in_language(error.format_message(), "zh")
        before = f"{ctx.get_usage()}\n帮助：{ctx.command_path} --help\n\n" if ctx is not None else ""
        print(f"{before}错误：{said}", file=sys.stderr)
        raise SystemExit(getattr(error, "exit_code", 2)) from None


def _usage(command: Any, ctx: Any) -> str:
    pieces = " ".join(command.collect_usage_pieces(ctx))
    for english, chinese in (("[OPTIONS]", "[选项]"), ("COMMAND [ARGS]", "命令 [参数]")):
        pieces = pieces.replace(english, chinese)
    return f"用法：{ctx.command_path} {pieces}"


def _help(command: Any, ctx: Any) -> str:
    """Write the help, with columns in line."""
    from spatial.languages.widths import wrapped  # only where it is needed: a command is started often

    wide = ctx.make_formatter().width
    kinds: dict[str, list[tuple[str, str]]] = {"参数": [], "选项": [], "命令": []}
    for parameter in command.get_params(ctx):
        if (record := parameter.get_help_record(ctx)) is not None:
            is_argument = parameter.param_type_name == "argument"
            kinds["参数" if is_argument else "选项"].append((record[0], _said(record[1])))
    for name in command.list_commands(ctx) if hasattr(command, "list_commands") else ():
        kinds["命令"].append((name, _said(command.get_command(ctx, name).help)))
    lines = [_usage(command, ctx), "", *(f"  {line}" for line in wrapped(_said(command.help), wide - 2))]
    for kind, rows in kinds.items():
        if rows:
            lines += ["", f"{kind}：", *_rows(rows, wide)]
    return "\n".join(lines)


def _rows(rows: Sequence[tuple[str, str]], wide: int) -> Iterator[str]:
    """Write names on the left and what they do on the right."""
    from spatial.languages.widths import padded, width, wrapped

    left = min(max(width(name) for name, _ in rows), _WIDEST) + 4
    for name, said in rows:
        first, *more = wrapped(said, wide - left)
        if width(name) + 4 > left:
            yield f"  {name}"
            name = ""
        yield f"{padded(f'  {name}', left)}{first}".rstrip()
        yield from (" " * left + line for line in more)


def _said(text: str | None) -> str:
    """Say a help text, with what typer adds of default and need."""
    text = " ".join((text or "").split())
    found = re.search(_EXTRA, text)
    if found is None:
        return in_language(text, "zh")
    extra = found[1]
    for english, chinese in _IN_EXTRA:
        extra = extra.replace(english, chinese)
    return f"{in_language(text[: found.start()], 'zh')}（{extra}）".strip()


# ---- commands that are called otherwise elsewhere
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


_COLUMNS = ("--columns", "--column", "--variables", "--variable", "--var")


class Commands(_Spoken, TyperGroup):
    """The commands; one that is not there is refused with what was meant."""

    def make_context(self, *args: Any, **options: Any) -> Any:
        """Read the words before the command."""
        with _refusals():
            return super().make_context(*args, **options)

    def invoke(self, ctx: Any) -> Any:
        """Run the command."""
        with _refusals():
            return super().invoke(ctx)

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """Find a command by its name."""
        name = args[0].lower() if args else ""
        if name in _ELSEWHERE and self.get_command(ctx, name) is None:
            ctx.fail(f"No such command {args[0]!r}. Did you mean {_ELSEWHERE[name]}?")
        given = [one for one in args[1:] if one.partition("=")[0] in _COLUMNS]
        if name in ("moran", "local") and given:
            ctx.fail(
                f"spatial {name} takes its variables after the file, without {given[0]}: FILE COLUMN ..."
            )
        return super().resolve_command(ctx, args)
