"""The program `spatial`: its commands by name, and how each call begins and ends."""

from __future__ import annotations

import atexit
import gc
import itertools
import os
import re
import sys
import textwrap
import warnings
from collections.abc import Sequence
from importlib import import_module
from typing import Annotated

import typer

from spatial import __version__
from spatial.errors import SpatialError
from spatial.languages.session import language
from spatial.words import in_force

from .options import SPEAK, check_lang
from .spoken import Commands, SpokenCommand

__all__ = ["build_app", "main"]

# In the order of the help: each command, and where its function stands.
_COMMANDS = {
    "moran": (".commands", "moran"),
    "weights": (".commands", "weights"),
    "data": (".commands", "data"),
    "demo": (".commands", "demo"),
    "local": (".local", "local_command"),
    "run": (".studies", "run_command"),
    "check": (".studies", "check_command"),
    "new": (".studies", "new_command"),
    "explain": (".studies", "explain_command"),
    "explore": (".explore", "explore_command"),
    "api": (".api", "api_command"),
}

# As zh_CN.UTF-8, and "Chinese (Simplified)_China" on Windows: our Chinese has no traditional characters.
_SIMPLIFIED = r"zh_(CN|SG|Hans)|zh(\.|$)|Chinese \(Simplified\)|Chinese_China"


def _version(asked: bool) -> None:
    if asked:
        print(f"spatial-cities {__version__}")
        raise typer.Exit


def _root(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Show the version.")
    ] = False,
    lang: Annotated[str | None, typer.Option("--lang", callback=check_lang, help=SPEAK)] = None,
) -> None:
    """Every command takes --debug, which shows the traceback of an error; `main` puts --lang in force."""


def build_app(words: Sequence[str] = ()) -> typer.Typer:
    """Return the program: with the one command that `words` begin with, or, where they name none, with all.

    To describe the options of one command takes a tenth of what those of all take.

    Examples
    --------
    >>> [command.name for command in build_app(["moran", "nc", "bir74"]).registered_commands]
    ['moran']
    """
    app = typer.Typer(
        cls=Commands,
        add_completion=True,
        no_args_is_help=True,
        pretty_exceptions_enable=False,
        rich_markup_mode=None,
        help="Spatial econometrics of cities: weights, Moran diagnostics, GS3SLS, tables and maps.",
    )

    app.callback()(_root)
    for name in words[:1] if words and words[0] in _COMMANDS else _COMMANDS:
        module, function = _COMMANDS[name]
        app.command(name, cls=SpokenCommand)(getattr(import_module(module, __package__), function))
    return app


def main(arguments: list[str] | None = None) -> None:
    """Run the command line; an error is one readable paragraph and exit code 2 (--debug: the traceback)."""
    if arguments is None:
        _collect_rarely()
    given = sys.argv[1:] if arguments is None else list(arguments)
    debug = "--debug" in given
    lang = _language(given) or (_of_system() if arguments is None else in_force())
    given = [word for word in given if word != "--debug"]
    for stream in (sys.stdout, sys.stderr):
        if (getattr(stream, "encoding", None) or "").lower() in ("ascii", "us-ascii", "ansi_x3.4-1968"):
            stream.reconfigure(encoding="utf-8")  # type: ignore[union-attr]
    try:
        with warnings.catch_warnings(), language(lang):
            warnings.showwarning = _say
            build_app(given)(args=given, prog_name="spatial")
    except SpatialError as error:
        if debug:
            raise
        from .options import as_options

        with language(lang):
            text = as_options(str(error))
        print(
            textwrap.fill(
                f"spatial: {as_options(text)}", 100, break_long_words=False, break_on_hyphens=False
            ),
            file=sys.stderr,
        )
        sys.exit(2)


def _collect_rarely() -> None:
    """Look for garbage seldom, and not at all at the end: a process of one command keeps what it imports."""
    gc.set_threshold(400_000, 50, 100)
    atexit.register(gc.freeze)


def _language(words: list[str]) -> str:
    """Return the language that a command asks for, if any."""
    asked = [after for word, after in itertools.pairwise([*words, ""]) if word == "--lang"]
    asked += [word.removeprefix("--lang=") for word in words if word.startswith("--lang=")]
    return asked[-1] if asked and asked[-1] in ("en", "zh") else ""


def _of_system() -> str:
    """Return the language of the process: SPATIAL_LANG, or else that of the system where it is Chinese."""
    if os.environ.get("SPATIAL_LANG"):
        return in_force()
    named = next(filter(None, (os.environ.get(name) for name in ("LC_ALL", "LC_MESSAGES", "LANG"))), "")
    if not named and sys.platform == "win32":
        import locale

        named = locale.getlocale()[0] or ""
    return "zh" if named and re.match(_SIMPLIFIED, named, re.IGNORECASE) else in_force()


def _say(message: Warning | str, *_: object, **__: object) -> None:
    """Show a warning as a sentence, without the place in the code."""
    print(f"spatial: {message}", file=sys.stderr)
