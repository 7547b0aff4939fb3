"""Results that are kept beside the outputs, and steps that run at once."""

from __future__ import annotations

import io
import json
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from study_cases import FAILING, STUDY, files, lay_out, run, states
from study_cases import data as drawn_data

import spatial as sp
from spatial.errors import DataError
from spatial.models.likelihood.estimator import HeteroskedasticityWarning
from spatial.study.cache import Entry, Manifest, digest
from spatial.study.keeping import kept
from spatial.study.keeping.encoding import content_of, decode, encode
from spatial.study.run import StudyRunError, run_study
from spatial.study.running import _longest_first
from spatial.study.steps.step import Step


def _lattice() -> tuple[Any, Any, Any]:
    cities = drawn_data()[0].set_index("code")
    W = sp.weights.contiguity(cities, rook=True).row_standardized()
    rng = np.random.default_rng(3)
    data = pd.DataFrame(rng.normal(size=(len(cities), 2)), index=cities.index, columns=["x", "e"])
    y = np.linalg.solve(np.eye(len(cities)) - 0.4 * W.sparse.toarray(), 1 + data["x"] + data["e"])
    return cities, data.assign(y=y), W


def _system(method: str) -> Any:
    _, data, W = _lattice()
    return sp.models.SpatialSystem("y ~ x + W(y)", data, W).fit(method)


def _tobit() -> Any:
    _, data, _ = _lattice()
    return sp.models.tobit("y ~ x", data, lower=float(data["y"].median()), effects=None)


def _policy() -> Any:
    rng = np.random.default_rng(1)
    index = pd.MultiIndex.from_product([[f"u{k}" for k in range(30)], range(6)], names=["unit", "time"])
    first = np.repeat(np.where(np.arange(30) % 3 == 0, 3, 0), 6)
    data = pd.DataFrame({"first": first, "y": rng.normal(size=180)}, index=index)
    return sp.models.did(data, "y", "first", compare=["twfe"])


RESULTS: dict[str, Callable[[], Any]] = {
    "instruments": lambda: _system("gs2sls"),
    "quasi-score": lambda: _system("aqs"),
    "likelihood": lambda: _system("ml"),
    "censored": _tobit,
    "policy": _policy,
    "clusters": lambda: sp.local_moran(_lattice()[1]["y"], _lattice()[2], permutations=19),
    "map": lambda: _lattice()[0],
}


@pytest.mark.parametrize("name", RESULTS)
@pytest.mark.filterwarnings("ignore")
def test_a_result_reads_back_as_it_was(name: str) -> None:
    result = RESULTS[name]()
    text, arrays = encode(result)
    again = decode(text, arrays)
    assert type(again) is type(result)
    assert content_of(*encode(again)) == content_of(text, arrays)
    if name == "map":
        pd.testing.assert_frame_equal(pd.DataFrame(again), pd.DataFrame(result))
        assert again.crs == result.crs
    else:
        pd.testing.assert_frame_equal(again.tidy(), result.tidy(), check_exact=True)
        assert again.summary() == result.summary()
    if name == "quasi-score":  # what is computed later is computed of the same arrays
        effects = [fit.impacts(draws=20, seed=1).tidy() for fit in (again, result)]
        pd.testing.assert_frame_equal(*effects, check_exact=True)


@pytest.mark.parametrize(
    ("module", "name"),
    [
        ("subprocess", "Popen"),
        ("os", "system"),
        ("spatial.study.run", "run_study"),
        ("spatial.weights.value", "np"),
        ("spatial.cli.__main__", "Main"),
        ("spatialx.models", "Fit"),
    ],
)
def test_a_file_names_data_classes_of_this_package_only(tmp_path: Path, module: str, name: str) -> None:
    parts = [{"class": [module, name], "fields": {}}]
    text = json.dumps({"root": {"part": 0}, "parts": parts})
    with pytest.raises((ValueError, ImportError)):
        decode(text, {})
    store = kept.Kept(tmp_path)
    path = tmp_path / ".cache" / "kept"
    path.mkdir(parents=True)
    np.savez(path / f"{digest('key')}.npz", text=np.array(text))
    assert store.get("key", lambda: "made anew") == "made anew"


def test_nothing_pickled_is_read(tmp_path: Path) -> None:
    class Trap:
        def __reduce__(self) -> tuple[Any, ...]:
            return pytest.fail, ("a file from somebody else ran code",)

    folder = tmp_path / ".cache" / "kept"
    folder.mkdir(parents=True)
    np.savez(folder / f"{digest('key')}.npz", text=np.array(Trap(), dtype=object))
    assert kept.Kept(tmp_path).get("key", lambda: 3) == 3


def test_what_is_more_than_numbers_is_made_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kept, "WORTH", 0.0)
    made: list[int] = []

    def make() -> Any:
        made.append(1)
        return {"x": len}

    store = kept.Kept(tmp_path)
    assert store.get("key", make) == store.get("key", make) == {"x": len}
    assert len(made) == 2


def test_what_is_read_warns_as_when_it_was_made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kept, "WORTH", 0.0)

    def make() -> int:
        warnings.warn("few clusters", HeteroskedasticityWarning, stacklevel=1)
        return 7

    for one in (make, lambda: pytest.fail("it was kept")):
        with pytest.warns(HeteroskedasticityWarning, match="few clusters") as heard:
            assert kept.Kept(tmp_path).get("key", one) == 7
        assert len(heard) == 1


@pytest.mark.filterwarnings("ignore")
@pytest.mark.slow
def test_a_new_heading_estimates_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The table is made of kept fits, and equals that of a run from nothing."""
    monkeypatch.setattr(kept, "WORTH", 0.0)
    text = STUDY.replace('kind = "regression"', 'kind = "regression"\ntitle = "Two equations"', 1)
    path = lay_out(tmp_path, text)
    run(path)
    path.write_text(text.replace("Two equations", "Both equations"), encoding="utf-8")
    made: list[Any] = []
    whole = kept._kept
    monkeypatch.setattr(kept, "_kept", lambda at, make: made.append(whole(at, make)) or made[-1])
    out, record, _ = run(path)
    assert made == []
    done = {name for name, state in states(record).items() if state == "done"}
    assert any(name.startswith("tables") for name in done)
    fresh, _, _ = run(path, out=tmp_path / "fresh")
    _same_files(out, fresh)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
def test_steps_at_once_make_the_same(tmp_path: Path) -> None:
    path = lay_out(tmp_path, STUDY)
    one, serial, _ = run(path, out=tmp_path / "one")
    said = io.StringIO()
    two = run_study(path, out=tmp_path / "two", jobs=2, progress=said)
    both = json.loads((two / "run.json").read_text(encoding="utf-8"))
    _same_files(one, two)
    for key in ("steps", "warnings", "outputs", "measures", "status"):
        assert _timeless(both[key]) == _timeless(serial[key]), key
    names = [line.split("] ")[1].split(" ...")[0] for line in said.getvalue().splitlines() if "] " in line]
    assert names == list(serial["steps"])


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
def test_a_step_that_fails_elsewhere_is_named(tmp_path: Path) -> None:
    path = lay_out(tmp_path, FAILING)
    messages = []
    for jobs in (1, 2):
        with pytest.raises(StudyRunError) as caught:
            run_study(path, out=tmp_path / str(jobs), jobs=jobs, progress=io.StringIO())
        messages.append(caught.value.failures)
    assert messages[0] == messages[1]


def test_the_longest_steps_begin_first_and_outputs_last(tmp_path: Path) -> None:
    manifest = Manifest(tmp_path)
    steps = [Step(name, "", print) for name in ("data", "tables: a", "did: p", "monte_carlo: m", "report")]
    ordered = [step.name for step in _longest_first(steps, manifest)]
    assert ordered == ["monte_carlo: m", "did: p", "data", "tables: a", "report"]
    for step, seconds in zip(steps, (1.0, 2.0, 9.0, 0.5, 7.0), strict=True):
        manifest.entries[step.name] = Entry(key="", seconds=seconds)
    known = [step.name for step in _longest_first(steps, manifest)]
    assert known == ["did: p", "data", "monte_carlo: m", "report", "tables: a"]


def test_jobs_that_are_none(tmp_path: Path) -> None:
    path = lay_out(tmp_path, STUDY)
    for jobs in (0, -1, 1.5, True, "2"):
        with pytest.raises(DataError, match="jobs is how many steps run at once, 1 or more"):
            run_study(path, jobs=jobs)  # type: ignore[arg-type]


def _same_files(one: Path, two: Path) -> None:
    first, second = ({name: found[1] for name, found in files(at).items()} for at in (one, two))
    assert first.keys() == second.keys()
    differing = [name for name in first if first[name] != second[name]]
    assert [name for name in differing if not name.endswith(".gpkg")] == []  # these hold their hour


def _timeless(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _timeless(one) for key, one in value.items() if key != "seconds"}
    return value
