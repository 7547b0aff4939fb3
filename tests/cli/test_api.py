"""The public names for programs: what `spatial api` says is what the code is."""

from __future__ import annotations

import inspect
import json
from typing import Any

import pytest

import spatial as sp
from spatial.cli import main
from spatial.cli.api import ROOMS, describe, describe_all


@pytest.fixture(scope="module")
def entries() -> dict[str, dict[str, Any]]:
    return {one["name"]: one for one in describe_all()}


def test_each_public_name_has_an_entry_with_a_summary(entries: dict[str, dict[str, Any]]) -> None:
    rooms = {"spatial": sp, "spatial.models": sp.models, "spatial.weights": sp.weights}
    for room, module in rooms.items():
        for name in module.__all__:
            if callable(getattr(module, name)):
                assert entries[f"{room}.{name}"]["summary"], name
    assert {name.rpartition(".")[0] for name in entries} == set(ROOMS)


def test_parameters_are_those_of_the_signature(entries: dict[str, dict[str, Any]]) -> None:
    for function in (sp.moran, sp.models.did, sp.weights.distance_band):
        name = next(n for n in entries if n.rpartition(".")[2] == function.__name__)
        listed = {p["name"]: p for p in entries[name]["parameters"]}
        assert list(listed) == list(inspect.signature(function).parameters)
        assert all(p["meaning"] or p["accepts"] for p in listed.values()), name
    assert {p["name"]: p["required"] for p in entries["spatial.weights.knn"]["parameters"]}["k"]


def test_refusals_units_and_examples_are_those_of_the_docstring(entries: dict[str, dict[str, Any]]) -> None:
    moran = entries["spatial.moran"]
    assert [one["error"] for one in moran["refuses"]] == ["AlignmentError", "DataError", "WeightsError"]
    assert moran["refuses"][2]["when"] == "For weights without links."
    assert ">>> result = moran(" in moran["example"]
    units = {p["name"]: p["unit"] for p in entries["spatial.weights.inverse_distance"]["parameters"]}
    assert (units["cutoff_km"], units["power"]) == ("km", "")
    assert "fit" in {method["name"] for method in entries["spatial.models.SpatialSystem"]["methods"]}


def _below(error: type[BaseException]) -> set[type[BaseException]]:
    return {error}.union(*map(_below, error.__subclasses__()))


def test_each_function_with_arguments_says_what_it_refuses(entries: dict[str, dict[str, Any]]) -> None:
    known = {one.__name__ for one in _below(sp.SpatialError)}
    for name, entry in entries.items():
        if entry["kind"] == "function" and entry["parameters"]:
            assert entry["refuses"], f"{name}: a Raises section"
            assert {one["error"] for one in entry["refuses"]} <= known, name
            assert all(one["when"] for one in entry["refuses"]), name


def test_the_command_lists_and_describes(capsys: pytest.CaptureFixture[str]) -> None:
    for words in (["api", "--json"], ["api", "weights.knn", "--json"], ["api"], ["api", "moran"]):
        with pytest.raises(SystemExit, match="0"):
            main(words)
        shown = capsys.readouterr().out
        if words[-1] == "--json":
            found = json.loads(shown)
            assert found == (describe_all() if len(words) == 2 else describe("weights.knn"))
        else:
            assert "Moran's I" in shown
    with pytest.raises(SystemExit, match="2"):
        main(["api", "morna"])
    assert "Did you mean 'moran'" in capsys.readouterr().err
