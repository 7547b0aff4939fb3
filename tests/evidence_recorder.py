"""What each public function was checked against, written down from the tests that check it.

``@pytest.mark.evidence("moran", source="spdep 1.4.2, columbus")`` says that a test compares that function
with numbers of that source.  While such a test runs, every comparison of numbers is counted and its largest
difference kept; ``digits=10`` promises that none is above 1e-10, and the test fails where one is.
``pytest --evidence`` writes what ran into ``spatial/proof/evidence.jsonl``, one row for each function and
test, with the versions of the peers that ran and what a simulation measured (``record_property("coverage",
"0.95 in 400 draws")``).  Rows of tests that did not run stay, rows of tests that are gone leave.
"""

from __future__ import annotations

import ast
import datetime
import inspect
import json
import re
import typing
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import Any, get_args
from unittest.mock import patch

import numpy as np
import pandas as pd
import pytest

import spatial as sp

# Its module has moved between versions of pytest.
ApproxScalar: Any = type(pytest.approx(1.0))
KINDS = ("reference", "identity", "hand", "simulation")
HERE = Path(__file__).parent
FILE = HERE.parent / "spatial" / "proof" / "evidence.jsonl"
CLAIM = ("name", "kind", "source", "digits", "differs", "test")
WRITTEN = ("values", "worst", "measured", "version", "date")
# Programs that run beside ours in a test; the versions of others (R, Stata) stand in the source itself.
PEERS = (
    "diff-diff", "esda", "giddy", "inequality", "libpysal", "linearmodels", "mapclassify", "moderndid",
    "numpy", "pandas", "pyfixest", "pyproj", "scipy", "shapely", "spreg", "statsmodels",
)  # fmt: skip


@dataclass
class Comparisons:
    """How many numbers a test compared, and the largest difference, relative to what it expected."""

    values: int = 0
    worst: float = 0.0
    measured: tuple[str, ...] = ()

    def add(self, actual: Any, expected: Any) -> None:
        try:
            a, e = np.broadcast_arrays(np.asarray(actual, dtype=float), np.asarray(expected, dtype=float))
        except (TypeError, ValueError):  # text, dates, shapes that differ: no numbers to compare
            return
        finite = np.isfinite(a) & np.isfinite(e)
        self.values += int(finite.sum())
        if finite.any():
            size = np.abs(e[finite]).max()
            self.worst = max(self.worst, float(np.abs(a - e)[finite].max() / (size if size > 1e-8 else 1.0)))

    @contextmanager
    def listening(self) -> Iterator[None]:
        """Count the comparisons that numpy, pandas and pytest are asked for."""
        equal = ApproxScalar.__eq__

        def scalar(approx: Any, actual: Any) -> bool:
            if np.ndim(actual) == 0:
                self.add(actual, approx.expected)
            return equal(approx, actual)

        def through(function: Callable[..., Any]) -> Callable[..., Any]:
            def compare(actual: Any, expected: Any, *args: Any, **options: Any) -> Any:
                self.add(actual, expected)
                return function(actual, expected, *args, **options)

            return compare

        with (
            patch.object(ApproxScalar, "__eq__", scalar),
            patch.object(np.testing, "assert_allclose", through(np.testing.assert_allclose)),
            patch.object(np.testing, "assert_array_equal", through(np.testing.assert_array_equal)),
            patch.object(pd.testing, "assert_series_equal", through(pd.testing.assert_series_equal)),
            patch.object(pd.testing, "assert_frame_equal", through(pd.testing.assert_frame_equal)),
        ):
            yield


class Recorder:
    """The plugin: listens to each marked test, and writes the file where it is asked to."""

    def __init__(self, write: bool) -> None:
        self.write = write
        self.found: dict[str, Comparisons] = {}
        self.failed: set[str] = set()

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_call(self, item: pytest.Item) -> Iterator[None]:
        marks = list(item.iter_markers("evidence"))
        if not marks:
            return (yield)
        name = typing.cast(pytest.Function, item).originalname
        one = Comparisons()
        try:
            with one.listening():
                outcome = yield
        except BaseException:
            self.failed.add(name)
            raise
        for mark in marks:
            digits = mark.kwargs.get("digits")
            if digits is not None and one.worst > 10.0**-digits:
                self.failed.add(name)
                pytest.fail(f"promises {digits} digits, and its largest difference is {one.worst:.1e}")
        total = self.found.setdefault(name, Comparisons())
        total.values += one.values
        total.worst = max(total.worst, one.worst)
        total.measured += tuple(f"{what} {value}" for what, value in item.user_properties)
        return outcome

    def pytest_sessionfinish(self) -> None:
        if self.write:
            ran = {name: found for name, found in self.found.items() if name not in self.failed}
            write_rows(updated(claims(), ran, read_rows()))


@cache
def claims() -> list[dict[str, Any]]:
    """Read the markers of all tests as they are written, without running anything."""
    rows = []
    for path in sorted(HERE.rglob("test_*.py")):
        text = path.read_text(encoding="utf-8")
        if "mark.evidence(" not in text:
            continue
        for node in ast.parse(text).body:
            if isinstance(node, ast.FunctionDef):
                for decorator in node.decorator_list:
                    if isinstance(decorator, ast.Call) and ast.unparse(decorator.func).endswith(
                        "mark.evidence"
                    ):
                        rows += _claims_of(decorator, node.name)
    return rows


def _claims_of(decorator: ast.Call, test: str) -> Iterator[dict[str, Any]]:
    given = {str(k.arg): ast.literal_eval(k.value) for k in decorator.keywords}
    for name in map(ast.literal_eval, decorator.args):
        yield {
            "name": name,
            "kind": given.get("kind", "reference"),
            "source": given["source"],
            "digits": given.get("digits"),
            "differs": given.get("differs", ""),
            "test": test,
        }


def updated(
    claimed: list[dict[str, Any]], ran: dict[str, Comparisons], old: list[dict[str, Any]]
) -> list[dict[str, Any]]:
    """Join what is claimed with what ran today, and keep the numbers of what did not."""
    before = {(row["name"], row["test"]): row for row in old}
    rows = []
    for claim in claimed:
        if claim["test"] in ran:
            found = ran[claim["test"]]
            numbers = {
                "values": found.values,
                "worst": float(f"{max(found.worst, 1e-16):.0e}") if found.worst else 0.0,
                "measured": ", ".join(_of(claim["name"], found.measured)),
                "version": versions_in(claim["source"]),
                "date": datetime.datetime.now(datetime.UTC).date().isoformat(),
            }
        elif (claim["name"], claim["test"]) in before:
            numbers = {k: before[claim["name"], claim["test"]].get(k, "") for k in WRITTEN}
        else:
            continue
        if claim["kind"] == "simulation":  # its differences are chance, not digits
            numbers["worst"] = None
        rows.append({**claim, "result": result_of(claim["name"]), **numbers})
    return sorted(rows, key=lambda row: (row["name"], KINDS.index(row["kind"]), row["test"]))


def _of(name: str, measured: tuple[str, ...]) -> list[str]:
    """Return what was measured of one method, where a test says it of several (``gardner: 1.01``)."""
    own = [said for said in measured if said.startswith(f"{name.partition(':')[2]}: ")]
    return own or list(measured)


def versions_in(source: str) -> str:
    """Return the versions of the peers that a source names."""
    spoken = re.findall(r"[\w-]+", source.lower())
    return ", ".join(f"{peer} {version(peer)}" for peer in PEERS if peer in spoken)


def read_rows() -> list[dict[str, Any]]:
    """Return the rows of the shipped file."""
    lines = FILE.read_text(encoding="utf-8").splitlines() if FILE.exists() else []
    return [json.loads(line) for line in lines if line]


def write_rows(rows: list[dict[str, Any]]) -> None:
    """Write one row a line, so that two who add meet in no line."""
    text = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
    FILE.write_text(text, encoding="utf-8")


def public_object(name: str) -> Any:
    """Return what a name of the API means: ``moran``, ``weights.knn``, ``models.did``."""
    found: Any = sp
    for part in name.partition(":")[0].split("."):
        found = getattr(found, part)
    return found


def result_of(name: str) -> str:
    """Return the name of the class that a function returns; empty for arrays and frames."""
    found = public_object(name)
    if inspect.isclass(found):
        if not name.partition(":")[2]:
            return found.__name__
        found = found.fit
    words = str(inspect.signature(found).return_annotation).replace("'", "").split(" | ")
    return next((word.split(".")[-1] for word in words if word.split(".")[-1][:1].isupper()), "")


def names_to_prove() -> set[str]:
    """Return the public functions, estimators and covariances, each of which needs a row."""
    from spatial.models.estimation.steps import Method
    from spatial.models.policy.effects import METHODS

    rooms = {"": sp, "models.": sp.models, "weights.": sp.weights, "shapefiles.": sp.shapefiles}
    found = {
        prefix + name
        for prefix, room in rooms.items()
        for name in room.__all__
        if inspect.isfunction(getattr(room, name))
    }
    found |= {f"{name}.{method}" for name, kind in _classes(rooms).items() for method in _computing(kind)}
    covariances = {f"models.{name}" for name in sp.models.__all__ if _is_covariance(name)}
    methods = {f"models.SpatialSystem:{method}" for method in get_args(Method)}
    return found | covariances | methods | {f"models.did:{method}" for method in METHODS}


# Methods of public classes that compute no number of their own: they show, name, hand on, take in, or ask
# again, with other arguments, what a function has a row for.
ACCESSORS = frozenset({
    "again", "as_f", "blocks", "comparison", "cut_note", "decision", "drop", "equals", "failed",
    "fit", "from_dense", "from_frame", "from_graph", "from_sparse", "from_w", "get", "glance",
    "has", "head", "headline", "history_frame", "in_language", "items", "keys", "label", "labels",
    "matrix", "neighbors", "of", "outlines", "period", "plot", "read", "recommendation",
    "refit", "refusal", "rejects", "rename", "require", "select", "size", "summary", "table",
    "test", "tidy", "to_dense", "to_docx", "to_frame", "to_graph", "to_html", "to_latex",
    "to_markdown", "to_text", "to_w", "to_xlsx", "values", "verdict", "weak_points", "with_labels",
    "write", "evidence", "load", "OpenPanel.units", "OpenPanel.with_columns", "OpenWeights.block",
})  # fmt: skip


def _classes(rooms: dict[str, Any]) -> dict[str, Any]:
    """Return the public classes, each by the first name it has; errors and covariances aside."""
    found: dict[int, tuple[str, Any]] = {}
    for prefix, room in rooms.items():
        for name in room.__all__:
            kind = getattr(room, name)
            if inspect.isclass(kind) and not issubclass(kind, (Exception, sp.models.Covariance)):
                found.setdefault(id(kind), (prefix + name, kind))
    return dict(found.values())


def _computing(kind: Any) -> Iterator[str]:
    """Yield the public methods of a class that compute numbers: all but accessors, and those of panels."""
    for name in dir(kind):
        given = inspect.getattr_static(kind, name)
        made = inspect.isfunction(given) or isinstance(given, (classmethod, staticmethod))
        known = {name, f"{kind.__name__}.{name}"} & ACCESSORS
        of_panel = kind is not sp.Panel and given is inspect.getattr_static(sp.Panel, name, None)
        if made and not name.startswith("_") and not known and not of_panel:
            yield name


def _is_covariance(name: str) -> bool:
    found = getattr(sp.models, name)
    return (
        inspect.isclass(found)
        and issubclass(found, sp.models.Covariance)
        and found is not sp.models.Covariance
    )
