"""The values of a study - panel, weights, fits, effects - made once, when a step asks, with their keys."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import pandas as pd

from spatial.errors import DataError, SpatialError, warn
from spatial.study.fits.analyses import analysis_call, fit_of_analysis
from spatial.study.fits.estimates import fit_call, fit_columns, impacts_call, policy_call
from spatial.study.fits.labels import condition_labels
from spatial.study.fits.named import (
    ANALYSES,
    analyses,
    fit_names,
    group_levels,
    named_fits,
    resolved,
    weights_of,
)
from spatial.study.fits.results import (
    Refusal,
    analysed,
    failing_weights,
    key_of_analysis,
    key_of_columns,
    part_of_analysis,
    stamps_of,
    system_of,
)

from .cache import code_digest, digest
from .calls import Item, Ref, call, evaluate, method, time_of
from .columns import cleaned
from .data import Loaded, content_digest, databases, labels_of, read_shapes
from .keeping.kept import Kept
from .problems import public
from .schema.models import Diagnostics
from .schema.questions import MonteCarlo
from .schema.study import Study
from .weights import column_of, map_column, mean_of, nested_in, other_weights, weights_call

__all__ = ["Refusal", "Values"]


class Values:
    """What steps work on.  Each value has a key, a digest of all that it depends on.

    Parameters
    ----------
    study : Study
    folder : Path
        Of the study file.
    loaded : Loaded
    files : dict of str to str
        Name of each input file to its digest.
    """

    def __init__(self, study: Study, folder: Path, loaded: Loaded, files: dict[str, str]) -> None:
        self.study, self.folder, self.loaded, self.files = study, folder, loaded, files
        self.fits = fit_names(study, group_levels(study, loaded.panel.frame))
        self.raw = [str(c) for c in loaded.panel.columns]
        self.measured, self.kept = dict[str, Any](), Kept()
        self.frames: dict[str, Callable[[], pd.DataFrame]] = {}
        self._known: dict[Any, tuple[Any, list[Warning]]] = {}
        self._columns: dict[tuple[str, ...] | None, str] = {}
        read = content_digest(loaded) if databases(study) else ""
        self.data_key = digest(code_digest(), public(study.data.model_dump()), files, read)
        self.panel_key = self.columns_key(None)
        heads = [(m.name, m.en, m.zh, m.unit) for m in study.measures]
        words = {n: v.model_dump(exclude={"formula"}) for n, v in study.variables.items()}
        self.words_key = digest(study.language, words, heads)

    def once(self, key: Any, make: Callable[[], Any]) -> Any:
        """Return a value, made at most once; its warnings are heard by every step that uses it."""
        if key in ("labels", "labelled") or (isinstance(key, tuple) and key[0] == "table"):
            key = (self.study.language, key)  # what holds words
        if key not in self._known:
            with warnings.catch_warnings(record=True) as caught:
                warnings.simplefilter("always")
                try:
                    value = make()
                except SpatialError as error:
                    value = error
            heard = [w.message for w in caught if isinstance(w.message, Warning)]
            self._known[key] = (value, heard)
        value, heard = self._known[key]
        for message in heard:
            warn(message)
        if isinstance(value, SpatialError):
            raise value
        return value

    def value(self, ref: Ref) -> Any:
        """Return the value that a call names."""
        match ref:
            case Ref(kind="cities" | "map" as kind):
                return getattr(self, kind)
            case Ref(kind="panel"):
                return self.labelled
            case Ref(kind="measure", name=name):
                return self.measure(name)
            case Ref(kind="moran", name=name):
                return self.moran_frame(name)
            case Ref(kind="table", name=name):
                return self.loaded.tables[name]
            case Ref(kind="reference", name=name):
                return self.loaded.references[name]
            case Ref(kind="weights", name=name):
                return self.weights(name)
            case Ref(kind="other weights", name=name):
                return self.once(ref, lambda: self.run(self.weights_call(*name)))
            case Ref(kind="shapes", name=name):
                return self.once(ref, lambda: read_shapes(name, self.folder))
            case Ref(kind="printed", name=name):
                return self.study.printed[name].typed()
            case Ref(kind="mean", name=(column, times)):
                given = (self.study, self.loaded.panel, self.value)
                panel = self.once(
                    ("all rows", column), lambda: cleaned(*given, wanted=[column], keep_rows=True)
                )
                return mean_of(panel, column, times, self.cities)
            case Ref(kind="map column", name=name):
                return map_column(self.cities, name)
            case Ref(kind="fit", name=name):
                return self.fit(name)
            case Ref(kind="local", name=(number, column, given)):
                return self.local(self.study.diagnostics[number], column, given)
            case Ref(kind="analysis", name=name):
                return self.analysis(name)
            case Ref(kind="policy", name=(name, kind)):
                return self.policy(name, kind)
            case Ref(kind="frame", name=name):
                return self.frames[name]()
            case Ref(kind="impacts", name=name):
                return self.impacts(name)
            case Ref(kind="term labels"):
                return self.term_labels
            case Ref(kind="table labels"):
                return {**self.labels, **condition_labels(self)}
            case Ref(kind="system", name=name):
                return self.system(name)
            case Ref(kind="time", name=name):
                return self.time(name)
        raise DataError(f"The study has no {ref.kind} {ref.name!r}.")

    def run(self, part: Any) -> Any:
        """Return the value of a call."""
        return evaluate(part, self.value)

    def kept_once(self, name: Any, key: str, make: Callable[[], Any]) -> Any:
        """Return a value, made once, or as an earlier run kept it."""
        return self.once(name, lambda: self.kept.get(key, make))

    # ---- data
    @property
    def cities(self) -> Any:
        """The map."""
        return self.loaded.cities

    @property
    def map(self) -> Any:
        """The whole map: a figure hatches the units that were cut."""
        return self.cities if self.loaded.whole is None else self.loaded.whole

    @property
    def panel(self) -> Any:
        """The panel, cleaned, with its measures and derived columns."""
        given = (self.study, self.loaded.panel, self.value)
        return self.once("panel", lambda: cleaned(*given, kept=self.measured))

    def measure(self, name: str) -> Any:
        """Return the value of a measure, from which its column was taken."""
        _ = self.panel
        return self.measured[name]

    @property
    def stamps(self) -> list[str]:
        """What every output says."""
        return stamps_of(self.study, self.loaded, self.study.language)

    def columns_key(self, columns: Iterable[str] | None) -> str:
        """Return the key of columns: a digest of the data and of the lines that make these; default all."""
        wanted = None if columns is None else tuple(columns)
        if wanted not in self._columns:
            self._columns[wanted] = key_of_columns(self, wanted)
        return self._columns[wanted]

    @property
    def labels(self) -> dict[str, str]:
        """Labels of columns in the study's language."""
        found: dict[str, str] = self.once("labels", lambda: labels_of(self.study, self.loaded, self.panel))
        return found

    def label(self, column: str) -> str:
        """Return the label of a column, or its name."""
        return self.labels.get(column, column)

    @property
    def term_labels(self) -> dict[str, str]:
        """Labels of columns and of their spatial lags."""
        named = self.labels
        return {f"{w}({c})": f"{w}×{text}" for w in self.study.weights for c, text in named.items()} | named

    @property
    def labelled(self) -> Any:
        """The panel with the labels of the study's language."""
        return self.once("labelled", lambda: self.panel.with_labels(self.labels))

    def time(self, given: Any) -> Any:
        """Return a time of the cleaned panel; the last by default."""
        return self.panel.times[-1] if given is None else time_of(self.panel, given)

    def at(self, column: str, time: Any) -> Any:
        """Return a column at a time, by unit."""
        return self.panel.at(time)[self.panel.require(column)[0]].rename(column)

    # ---- weights
    def default_weights(self, name: str | None) -> str:
        """Return the name of weights; the first by default."""
        return next(iter(self.study.weights)) if name is None else name

    def weights_key(self, name: str | None) -> str:
        """Return the key of weights."""
        parts = [self.study.weights[one] for one in nested_in(self.study, self.default_weights(name))]
        # Weights by text know only the map; those of columns know how these are made.
        columns = [found[1] for part in parts if (found := column_of(part)) is not None]
        data = self.columns_key(columns) if columns else self.data_key
        return digest(data, list(map(str, self.cities.index)), [part.model_dump() for part in parts])

    def weights_call(self, name: str, spec: str | None = None) -> Any:
        """Return what builds weights, or those of another spec in their place."""
        study = other_weights(self.study, name, spec) if spec else self.study
        return weights_call(study, name, self.folder, self.raw)

    def weights(self, name: str | None = None) -> Any:
        """Return weights, normalised."""
        found = self.default_weights(name)

        def make() -> Any:
            try:
                return self.run(self.weights_call(found))
            except SpatialError as error:
                raise type(error)(f"weights.{found}: {error}") from None

        return self.kept_once(("weights", found), self.weights_key(found), make)

    # ---- diagnostics
    def diagnosed(self, weights: str | None) -> list[tuple[Diagnostics, str]]:
        """Return the diagnostics with these weights, column by column."""
        named = self.default_weights
        parts = [d for d in self.study.diagnostics if named(d.weights) == named(weights)]
        return [(part, column) for part in parts for column in part.columns]

    def moran_call(self, part: Diagnostics, column: str) -> Any:
        """Return what computes Moran's I of a column by time."""
        weights = Ref("weights", self.default_weights(part.weights))
        options = {"permutations": part.permutations, "seed": self.study.seed, "progress": False}
        return call("moran_panel", Ref("panel"), [column], weights, **options)

    def moran(self, part: Diagnostics, column: str) -> Any:
        """Return Moran's I of a column by time."""
        key = self.moran_key(part, column)
        return self.kept_once(("moran", key), key, lambda: self.run(self.moran_call(part, column)))

    def moran_frame(self, weights: str | None) -> pd.DataFrame:
        """Return Moran's I of all diagnostics with these weights."""
        return pd.concat([self.moran(*pair) for pair in self.diagnosed(weights)], ignore_index=True)

    def moran_key(self, part: Diagnostics, column: str) -> str:
        """Return the key of Moran's I."""
        weights = self.weights_key(part.weights)
        return digest(self.columns_key([column]), weights, part.permutations, column, self.study.seed)

    def local_call(self, part: Diagnostics, column: str, given: Any) -> Any:
        """Return what computes local Moran of a column at a time."""
        at = Item(method(Ref("panel"), "at", Ref("time", given)), column)
        weights = Ref("weights", self.default_weights(part.weights))
        options = {"permutations": part.permutations, "seed": self.study.seed, "alpha": part.alpha}
        return call("local_moran", at, weights, **options)

    def local(self, part: Diagnostics, column: str, given: Any) -> Any:
        """Return local Moran of a column at a time."""
        about = ("local", part.weights, part.permutations, part.alpha, column, self.time(given))
        return self.once(about, lambda: self.run(self.local_call(part, column, given)))

    # ---- models
    def part(self, name: str) -> Any:
        """Return the section of a fit, with what it takes over from others."""
        found = self.fits[name]
        if found.section in ANALYSES:
            return self.once(("part", name), lambda: part_of_analysis(self, found))
        about = (found.section, found.number)
        return self.once(("part", *about), lambda: resolved(self.study, *about))

    def system_key(self, name: str) -> str:
        """Return the key of a system as a specification."""
        part = self.part(name)
        weights = {one: self.weights_key(one) for one in weights_of(self.study, part)}
        shown = part.model_dump(exclude={*_WORDS, *_AFTER, *_HOW})
        return digest(self.columns_key(fit_columns(self.study, part)), shown, weights)

    def system(self, name: str) -> Any:
        """Return a system, aligned and not estimated."""
        return self.once(("system", name), lambda: system_of(self, name))

    def fit_key(self, name: str) -> str:
        """Return the key of a fit."""
        part, found = self.part(name), self.fits[name]
        if found.section in ANALYSES:
            name = getattr(self.study, found.section)[found.number].name
            return digest(self.analysis_key(name), found.method)
        if found.section != "systems":
            used = [part.W] if getattr(part, "W", None) else weights_of(self.study, part)
            weights = {n: self.weights_key(n) for n in used}
            columns = self.columns_key(fit_columns(self.study, part))
            chosen = (found.method, str(found.group))
            return digest(columns, part.model_dump(exclude=_WORDS), weights, chosen, self.study.seed)
        how = [getattr(part, key) for key in _HOW]
        return digest(self.system_key(part.name), found.method, str(found.group), how, self.study.seed)

    def fit_call(self, name: str, without: Iterable[str] = ()) -> Any:
        """Return what estimates a fit; weights of `without` are not given to it."""
        if self.fits[name].section in ANALYSES:
            return fit_of_analysis(self.study, self.fits[name])
        return fit_call(self.study, self.part(name), self.fits[name], tuple(without))

    def fit(self, name: str) -> Any:
        """Return a fit by its name: a system, NAME.METHOD, or a regression; or its refusal, if meant."""
        return self.once(("fit", name), lambda: self._fit(name))

    def _fit(self, name: str) -> Any:
        part = self.part(name)
        try:
            is_own = self.fits[name].section not in ANALYSES
            call = self.fit_call(name, failing_weights(self, part) if is_own else ())
            fit = self.kept.get(self.fit_key(name), lambda: self.run(call)) if is_own else self.run(call)
        except SpatialError as error:
            if part.expect == "refusal":
                return Refusal(name, error.args[0])
            raise
        if part.expect == "refusal":
            raise DataError(f"{name} was to be refused (expect = 'refusal'), and it runs: look why.")
        return fit

    def named(self, names: list[str]) -> list[str]:
        """Return names of fits, NAME.* as all that begin so."""
        return named_fits(names, self.fits)

    def fits_of(self, name: str) -> list[str]:
        """Return all fits of a part: its own, those of compare, and those of its groups."""
        own = (self.fits[name].section, self.fits[name].number)
        found = [fit for fit, one in self.fits.items() if (one.section, one.number) == own]
        groups = [fit for fit in found if self.fits[fit].group is not None]
        return groups or found

    def policy(self, name: str, kind: str) -> Any:
        """Return what is done with the effects of a policy: bacon, honest, placebo, drop_one or balance."""
        call = policy_call(self.part(name), kind, self.study.seed)
        return self.kept_once((name, kind), self.policy_key(name, kind), lambda: self.run(call))

    def policy_key(self, name: str, kind: str) -> str:
        """Return the key of what is done with the effects of a policy."""
        return digest(self.fit_key(name), kind, self.part(name).model_dump())

    def analysis(self, name: str) -> Any:
        """Return a mechanism, a moderation, groups, robustness, tests, sensitivity or draws."""
        part, key = self.analysis_part(name), self.analysis_key(name)
        return self.kept_once(("analysis", name), key, lambda: analysed(self, part))

    def analysis_call(self, name: str) -> Any:
        """Return what an analysis calls; None for draws, which are made of the study itself."""
        part = self.analysis_part(name)
        return None if isinstance(part, MonteCarlo) else analysis_call(self.study, part)

    def analysis_key(self, name: str) -> str:
        """Return the key of an analysis."""
        return key_of_analysis(self, self.analysis_part(name))

    def analysis_part(self, name: str) -> Any:
        """Return the section of an analysis."""
        return next(part for *_, part in analyses(self.study) if part.name == name)

    def impacts_key(self, name: str) -> str:
        """Return the key of the effects of a fit."""
        return digest(self.fit_key(name), "impacts", getattr(self.part(name), "draws", None))

    def impacts(self, name: str) -> Any:
        """Return direct, indirect and total effects of a system's fit, or of a policy with W(D)."""
        call = impacts_call(name, getattr(self.part(name), "draws", None), self.study.seed)
        return self.kept_once(("impacts", name), self.impacts_key(name), lambda: self.run(call))


_HOW = ("cov", "passes", "rho_moments", "iv", "small", "intervals", "random")
_AFTER = ("method", "impacts", "draws", "diagnostics")
_WORDS = {"name", "en", "zh", "like", "compare"}
