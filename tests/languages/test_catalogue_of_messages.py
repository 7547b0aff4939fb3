"""The catalogue of messages: every refusal and warning has its Chinese, and each line fills in the same."""

from __future__ import annotations

import ast
import functools
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from spatial.languages.messages import message, templates
from spatial.words import Said

ROOT = Path(__file__).parents[2]
ROOMS = ("spatial", "weights", "models", "shapefiles")
PHRASE = re.compile(r"[A-Za-z]{2,} [a-z]{2,}")


def template(node: ast.expr) -> str | None:
    """Return a text with {} for what is filled in."""
    match node:
        case ast.Constant(value=str(text)):
            return text
        case ast.JoinedStr(values=values):
            parts = [part.value if isinstance(part, ast.Constant) else "{}" for part in values]
            return "".join(str(part) for part in parts)
        case ast.BinOp(left=left, op=ast.Add(), right=right):
            both = (template(left), template(right))
            return None if None in both else "".join(str(part) for part in both)
    return None


@functools.cache
def texts() -> list[tuple[Path, str]]:
    """Return each module of the rooms."""
    return [
        (path, path.read_text(encoding="utf-8"))
        for room in ROOMS
        for path in sorted((ROOT / room).rglob("*.py"))
        if "qgis" not in path.parts and path.relative_to(ROOT).parts[:2] != ("shapefiles", "build")
    ]


def nodes(tree: ast.AST) -> Iterator[ast.AST]:
    """Return what `ast.walk` does but for the contexts of names, in half its time."""
    todo = [tree]
    while todo:
        node = todo.pop()
        yield node
        for held in node.__dict__.values():
            if isinstance(held, list):
                todo += [one for one in held if isinstance(one, ast.AST)]
            elif isinstance(held, ast.AST) and not isinstance(held, ast.expr_context):
                todo.append(held)


def dotted(node: ast.expr) -> str:
    """Return a name, or that of what it holds; of other expressions nothing.  `ast.unparse` takes seconds."""
    match node:
        case ast.Name(id=name):
            return name
        case ast.Attribute(value=ast.Name(id=name), attr=held):
            return f"{name}.{held}"
    return ""


def said(tree: ast.AST) -> Iterator[str]:
    """Return what a module refuses and warns of, and what its tests say; texts made elsewhere are there."""
    for node in nodes(tree):
        parts: list[ast.expr] = []
        if isinstance(node, ast.Raise) and isinstance(node.exc, ast.Call) and node.exc.args:
            # A TypeError is for programmers.
            name = dotted(node.exc.func)
            if re.fullmatch(r"\w+Error", name) and name not in ("AttributeError", "KeyError", "TypeError"):
                parts = node.exc.args[:1]
        elif isinstance(node, ast.Call) and dotted(node.func) == "warn":
            parts = node.args[:1]
        elif isinstance(node, ast.Call) and dotted(node.func) in ("HypothesisTest", "HypothesisTest.failed"):
            parts = [
                *node.args[1:3],
                *(k.value for k in node.keywords if k.arg in ("detail", "reason", "null")),
            ]
        for text in filter(None, map(template, parts)):
            if PHRASE.search(text):
                yield text


def is_chinese(text: str) -> bool:
    """Whether a message has a line of its own: by a general one its words would stay English."""
    found = message(text.replace("{}", "x"))
    parts = found.pair[0] if isinstance(found, Said) else ""
    return text in templates() or (bool(parts) and not PHRASE.search(_left(text, parts)))


def _left(text: str, pair: str) -> str:
    """Return what a line for several messages leaves English: what it fills in."""
    pattern = "(.*?)".join(map(re.escape, re.split(r"\{\w+\}", pair)))
    filled = re.fullmatch(pattern, text.replace("{}", "x"), re.DOTALL)
    return "\n".join(filled.groups()) if filled else text


def test_every_message_has_its_chinese() -> None:
    found = {text for _, module in texts() for text in said(ast.parse(module)) if not is_chinese(text)}
    assert found == set(), "write their Chinese in spatial/languages/messages.tsv"


def test_each_line_fills_in_what_the_english_does() -> None:
    for english, chinese in templates().items():
        places = [int(k) for k in re.findall(r"\{(\d+)\}", chinese)]
        assert all(k < english.count("{}") for k in places), english
        assert re.search(r"[\u4e00-\u9fff²ᵤ]", chinese) or not PHRASE.search(chinese), english


def test_no_line_stands_twice() -> None:
    text = (ROOT / "spatial/languages/messages.tsv").read_text(encoding="utf-8")
    lines = [line.split("\t")[0] for line in text.splitlines()]
    assert sorted({line for line in lines if lines.count(line) > 1}) == []
    assert all(line.count("\t") == 1 for line in text.splitlines())


def _unsaid(function: ast.FunctionDef) -> Iterator[str]:
    """Return the phrases of a function that are said in English only."""
    skipped: set[int] = set()
    for node in ast.walk(function):
        is_said = isinstance(node, ast.Call) and dotted(node.func) in ("tell", "Said", "said")
        if is_said or (isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)):
            skipped |= {id(part) for part in ast.walk(node)}
        if isinstance(node, ast.JoinedStr):
            skipped |= {id(part) for part in ast.walk(node) if part is not node and id(part) not in skipped}
    for node in ast.walk(function):
        text = (
            template(node)
            if isinstance(node, ast.Constant | ast.JoinedStr) and id(node) not in skipped
            else ""
        )
        if text and PHRASE.search(text):
            yield text


@pytest.mark.parametrize("name", ["summary"])
def test_every_summary_speaks_both_languages(name: str) -> None:
    found = {
        f"{path.relative_to(ROOT)}: {text}"
        for path, module in texts()
        if f"def {name}(" in module
        for node in nodes(ast.parse(module))
        if isinstance(node, ast.FunctionDef) and node.name == name
        for text in _unsaid(node)
    }
    assert found == {
        "models/identification/anderson_rubin.py: all values",
        "models/large/fit.py: one lag",
    }  # keys
