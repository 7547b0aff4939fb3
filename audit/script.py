"""One question to one program as a script that stands by itself."""

from __future__ import annotations

import ast
import inspect
import textwrap
from typing import Any

from audit.question import Question


def script(asked: Question, program: str) -> str:
    """Write the helpers that an answer needs, the answer, and a line that prints it beside the truth."""
    function = asked.programs[program]
    imports: dict[str, None] = {}
    helpers: dict[str, None] = {}
    body = _gather(function, imports, helpers)
    comment = textwrap.indent(textwrap.fill(asked.text, 100), "# ")
    last = f"print({function.__name__}(), 'true:', {asked.truth!r})"
    return "\n\n".join([comment, "\n".join(sorted(imports)), *helpers, body, last]) + "\n"


def _gather(function: Any, imports: dict[str, None], helpers: dict[str, None]) -> str:
    source = textwrap.dedent(inspect.getsource(function))
    names = {node.id for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Name)}
    for name in sorted(names & function.__globals__.keys()):
        value = function.__globals__[name]
        if inspect.ismodule(value):
            imports[f"import {value.__name__} as {name}"] = None
        elif not hasattr(value, "__module__"):
            helpers[f"{name} = {value!r}"] = None
        elif value.__module__.startswith("audit"):
            helpers[_gather(value, imports, helpers)] = None
        else:
            imports[f"from {value.__module__} import {name}"] = None
    return source.strip()
