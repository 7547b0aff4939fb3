"""Studies: a paper in one file.  ``run_study("study.toml")`` rebuilds all of it into one folder."""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any, TextIO

import pandas as pd

from spatial.errors import DataError, SpatialError, did_you_mean, hinted
from spatial.io.sources import without_password
from spatial.languages.messages import in_language
from spatial.languages.session import language
from spatial.study.schema.study import Study, json_schema
from spatial.study.steps.build import build_steps
from spatial.study.steps.report import report_keys
from spatial.study.steps.step import Step

from .cache import Manifest, sweep
from .checks.known import Known
from .checks.names import check_names, check_names_with_data
from .checks.uses import check_uses
from .checks.variants import check_variants
from .checks.weights import check_bridges, check_weights, warn_endogenous
from .data import Loaded, data_files, databases, hashes, hidden, load_data
from .explain.script import as_python
from .explain.words import in_words
from .fits.varied import with_copies
from .keeping.kept import Kept, kept_keys
from .problems import Fault, StudyError, problem, public
from .quick import filled, quickened
from .reading import read_content, read_sections, with_printed
from .record import RunRecord
from .running import Workers, run_steps, workers_of
from .shipped import output_folder, shipped_study
from .values import Values

__all__ = [
    "StudyError",
    "StudyRunError",
    "check_study",
    "explain_study",
    "json_schema",
    "plan_study",
    "run_study",
    "shipped_study",
    "shown_texts",
]

SECTIONS = (
    "data", "measures", "weights", "diagnostics", "systems", "regressions", "tobits", "thresholds", "did",
    "mechanisms", "moderations", "heterogeneity", "robustness", "tests", "sensitivity", "select",
    "monte_carlo", "tables", "figures", "layers", "report",
)  # fmt: skip


class StudyRunError(SpatialError):
    """Some steps of a study failed; `failures` maps each to its message.  All other outputs are whole."""

    def __init__(self, folder: Path, failures: dict[str, str], count: int, lang: str = "en") -> None:
        self.folder, self.failures = folder, dict(failures)
        head = in_language(f"{len(failures)} of {count} steps failed; the others are in {folder}", lang)
        reasons: dict[str, list[str]] = {}
        for name, text in failures.items():  # what hangs on one that failed says the same
            reasons.setdefault(text, []).append(name)
        super().__init__("\n".join([head, *(f"  {'; '.join(at)}: {text}" for text, at in reasons.items())]))


@hinted
def check_study(path: str | Path) -> Study:
    """Check a study file without running it: keys, names, formulas, columns, times.

    Parameters
    ----------
    path : str or Path
        The study file.

    Returns
    -------
    Study
        Its content, as values.

    Raises
    ------
    StudyError, DataError
        With all that is wrong, each at its place, as ``systems[0].formulas[1]``; for a file that is none.

    Examples
    --------
    >>> import tempfile
    >>> file = Path(tempfile.mkdtemp()) / "study.toml"
    >>> _ = file.write_text("langauge = 'en'\\n[data]\\nsample = 'nc'\\n")
    >>> try:
    ...     check_study(file)
    ... except StudyError as error:
    ...     print(error.problems[0].message[:52])
    there is no such key. Did you mean 'language'? Keys:
    """
    return _checked(Path(path))[0]


@hinted
def run_study(
    path: str | Path,
    *,
    out: str | Path | None = None,
    only: str | Sequence[str] | None = None,
    quick: bool = False,
    full: bool = False,
    jobs: int = 1,
    progress: TextIO | None = None,
) -> Path:
    """Rebuild a study into one folder: tables/, figures/, gis/, report.html and run.json.

    Steps whose settings, data and package are unchanged, and whose files are still what they were, are not
    run again; fits, effects and draws that took long are kept below the folder as numbers, for tables that
    change.  A step that fails leaves its earlier files, and all other steps go on.

    Parameters
    ----------
    path : str or Path
        The study file (TOML); `spatial new` writes a commented one to start from.
    out : str or Path, optional
        The output folder; default the study's own ``output``, beside the study file (for a study that ships,
        in the working directory).
    only : str or sequence of str, optional
        Sections, such as ``"tables"``, or names of steps, to run; the others are left as they are.
    quick : bool
        A first look: at most 99 permutations, draws, resamples and placebos, ``small`` replications, in the
        folder ``...-quick``, and every table and figure says so.
    full : bool
        Monte Carlo with ``full`` replications, in the folder ``...-full``.
    jobs : int
        How many steps run at once, one of them here, with the same results for any number.  A script that
        gives more than 1 must have its work below ``if __name__ == "__main__":``.
    progress : text stream, optional
        Where steps are shown; default stderr.

    Returns
    -------
    Path
        The output folder.

    Raises
    ------
    StudyError
        For a study that cannot be run; nothing has been written then.
    StudyRunError
        At the end, where steps failed.
    SpatialError, DataError
        For a size, a number of jobs or a name of a step that is none.

    Examples
    --------
    >>> import io, pathlib, tempfile
    >>> path = pathlib.Path(tempfile.mkdtemp()) / "study.toml"
    >>> _ = path.write_text('title = "Crime"\\n[data]\\nsample = "nc"\\n[weights.W]\\nspec = "queen"\\n')
    >>> (run_study(path, progress=io.StringIO()) / "run.json").exists()
    True
    """
    if quick and full:
        raise SpatialError("A run is quick or full: give one of them.")
    file = Path(path)
    again = partial(_again, file.resolve(), None if out is None else Path(out).resolve(), quick, full)
    with Workers(workers_of(jobs) - 1, again) as workers:
        return _run(file, out, only, quick, full, progress, workers)


def _run(
    file: Path,
    out: str | Path | None,
    only: str | Sequence[str] | None,
    quick: bool,
    full: bool,
    progress: TextIO | None,
    workers: Workers,
) -> Path:
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        study, loaded, files = _checked(file)
    values = _sized(file, study, loaded, files, quick, full)
    study = values.study
    folder = output_folder(file, study.output, out)
    steps = build_steps(values)
    chosen = _chosen(steps, only)
    values.kept = Kept(_made(folder))
    record = _record(file, study, folder, only, len(chosen), progress)
    record.inputs = dict(values.files)
    record.inputs |= {without_password(s): "not hashed: not a file" for s in databases(study)}
    record.settings["units_cut"] = loaded.cut
    manifest = Manifest(folder)
    try:
        with record.running():
            record.hear(caught)
            run_steps(chosen, manifest, record, {s.name for s in steps}, workers)
    except BaseException:
        _finish(record, manifest, steps)
        raise
    if only is None:
        manifest.forget(set(manifest.entries) - {s.name for s in steps})
        values.kept.forget([*kept_keys(values), *report_keys(values)])
    _finish(record, manifest, steps)
    if record.failures:
        raise StudyRunError(folder, record.failures, len(chosen), study.language)
    return folder


def _sized(
    file: Path, study: Study, loaded: Loaded, files: dict[str, Path], quick: bool, full: bool
) -> Values:
    """Return the values of a study at the size that was asked for."""
    study = filled(study) if full else study
    if quick:
        study, loaded = quickened(study), replace(loaded, quick=True)
    return Values(study, file.parent, loaded, hashes(files))


def _again(file: Path, out: Path | None, quick: bool, full: bool) -> list[Step]:
    """Return the steps of a study that is run, in a process of their own."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # they were heard when the run began
        values = _sized(file, *_checked(file), quick, full)
    values.kept = Kept(output_folder(file, values.study.output, out).resolve())
    language(values.study.language)  # a process of its own has nobody to restore it for
    return build_steps(values)


def plan_study(path: str | Path, *, out: str | Path | None = None) -> pd.DataFrame:
    """Return what a run would do: one row for each step, whether its files are up to date, and last seconds.

    Parameters
    ----------
    path : str or Path
        The study file.
    out : str or Path, optional
        The output folder; default as in `run_study`.

    Returns
    -------
    DataFrame
        step, section, state ("unchanged" or "to run") and seconds of the last run, missing where there was
        none.

    Examples
    --------
    >>> plan_study(shipped_study("nc"), out="nowhere")["state"].unique().tolist()
    ['to run']
    """
    file = Path(path)
    study, loaded, files = _checked(file)
    values = Values(study, file.parent, loaded, hashes(files))
    manifest = Manifest(output_folder(file, study.output, out))
    rows = []
    for step in build_steps(values):
        entry = manifest.entries.get(step.name)
        state = "unchanged" if manifest.is_current(step.name, step.key) else "to run"
        seconds = None if entry is None else entry.seconds
        rows.append({"step": step.name, "section": step.section, "state": state, "seconds": seconds})
    return pd.DataFrame(rows).astype({"seconds": "float64"})


@hinted
def explain_study(path: str | Path, how: str = "python") -> str:
    """Return a study as a Python script that does the same, or in words.

    Parameters
    ----------
    path : str or Path
        The study file.
    how : {"python", "en", "zh"}
        ``"python"``: one line a section, in an order that runs, to go on from; it is run in the folder of the
        study file.  ``"en"`` or ``"zh"``: sentences, as the section on data and methods of a paper.

    Raises
    ------
    DataError
        If the file is absent or no study, or `how` is none of the three.

    Examples
    --------
    >>> "import spatial as sp" in explain_study(shipped_study("nc"))
    True
    """
    if not isinstance(how, str) or how not in ("python", "en", "zh"):
        raise DataError(f"A study is explained as 'python', or in the words of 'en' or 'zh'; got {how!r}.")
    file = Path(path)
    study, loaded, files = _checked(file)
    values = Values(study, file.parent, loaded, hashes(files))
    return as_python(values) if how == "python" else in_words(values, how)


def shown_texts(folder: str | Path, only: str | Sequence[str] | None = None) -> list[str]:
    """Return what the steps of a study show at the end: verdicts, estimates, tests and effects.

    Parameters
    ----------
    folder : str or Path
        The output folder.
    only : str or sequence of str, optional
        Sections, or names of steps.
    """
    wanted = None if only is None else {only} if isinstance(only, str) else set(only)
    entries = Manifest(Path(folder)).entries.items()
    return [
        text
        for name, entry in entries
        if wanted is None or wanted & {name, name.split(":")[0]}
        for text in entry.shown
    ]


# ---- reading and checking
def _checked(file: Path) -> tuple[Study, Loaded, dict[str, Path]]:
    content = read_content(file)
    read = read_sections(content)
    study, faults = read.study, list(read.faults)
    loaded: Loaded | None = None
    if study is not None:
        study, found = with_printed(study, file.parent)
        faults += map(read.in_file, found)
        known = Known(study, file.parent)
        found = [*check_names(known), *check_uses(known), *check_variants(known)]
        found += check_weights(study, file.parent)
        try:
            loaded = load_data(study, file.parent)
        except SpatialError as error:
            found.append(Fault(("data",), hidden(str(error), study)))
        if loaded is not None:
            known = Known(study, file.parent, loaded)
            found += [*check_names_with_data(known), *check_uses(known), *check_bridges(study, loaded)]
        faults += map(read.in_file, found)
    if faults:
        order = {key: number for number, key in enumerate(content)}
        faults.sort(key=lambda f: order.get(str(f.location[0]) if f.location else "", -1))
        problems = [problem(fault, content) for fault in dict.fromkeys(faults)]
        raise StudyError(file.name, problems, str(content.get("language", "en")))
    assert study is not None
    assert loaded is not None
    warn_endogenous(study, loaded)
    study = with_copies(study)
    return study, loaded, data_files(study, file.parent)


def _chosen(steps: list[Step], only: str | Sequence[str] | None) -> list[Step]:
    if only is None:
        return steps
    wanted = [only] if isinstance(only, str) else list(only)
    names = [s.name for s in steps]
    for name in wanted:
        if not isinstance(name, str) or name not in (*SECTIONS, *names):
            raise DataError(
                f"only={name!r} is neither a section nor a step.{did_you_mean(name, [*SECTIONS, *names])} "
                f"Sections: {', '.join(SECTIONS)}."
            )
    found = [s for s in steps if s.section in wanted or s.name in wanted]
    if not found:
        raise DataError(f"The study has no {' and no '.join(wanted)}: there is nothing to run.")
    return found


# ---- running
def _made(folder: Path) -> Path:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        why = error.strerror or error
        raise DataError(f"Cannot make the output folder {str(folder)!r}: {why}.") from None
    sweep(folder)
    return folder


def _record(
    file: Path, study: Study, folder: Path, only: Any, count: int, progress: TextIO | None
) -> RunRecord:
    settings = {"study": file.name, "only": only, "seed": study.seed, **public(study.model_dump(mode="json"))}
    return RunRecord(folder, settings, steps=count, stream=progress)


def _finish(record: RunRecord, manifest: Manifest, steps: Iterable[Step]) -> None:
    """Describe the whole folder: what was run now, and what is there from before."""
    for step in steps:
        state = record.states.setdefault(step.name, {"state": "not run"})
        entry = manifest.entries.get(step.name)
        if entry is None:
            continue
        state["up_to_date"] = entry.key == step.key
        state |= {"seconds": entry.seconds, "outputs": sorted(entry.outputs), "warnings": entry.warnings}
        record.timings.setdefault(step.name, entry.seconds)
        record.outputs += entry.outputs
        record.warnings = list(dict.fromkeys([*record.warnings, *entry.warnings]))
    record.states = {s.name: record.states[s.name] for s in steps}
    if "measures" in manifest.entries:
        record.measures = manifest.entries["measures"].facts
    manifest.order([s.name for s in steps])
    record.write()
