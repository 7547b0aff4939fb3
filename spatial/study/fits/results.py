"""The values of analyses: tests side by side, draws of a simulated sample, and what they hang on."""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd

from spatial.errors import SpatialError
from spatial.models import MonteCarlo, monte_carlo
from spatial.study.cache import digest
from spatial.study.calls import Ref, written
from spatial.study.columns import lines
from spatial.study.data import Loaded, load_data
from spatial.study.schema import questions
from spatial.study.schema.study import Study

from .analyses import analysis_call, analysis_columns, of_fits
from .estimates import spare_weights, system_call
from .labels import variant_words
from .named import FitName

__all__ = [
    "QUICK",
    "SIMULATED",
    "Collected",
    "Refusal",
    "analysed",
    "failing_weights",
    "key_of_analysis",
    "key_of_columns",
    "part_of_analysis",
    "stamps_of",
    "system_of",
]

SIMULATED = {
    "en": "Simulated data ({name}): drawn with known truth, not observed.",
    "zh": "模拟数据（{name}）：按已知真值生成，并非观测。",
}


QUICK = {
    "en": "Quick run: few permutations, draws and replications; not for print.",
    "zh": "快速运行：置换、抽取与重复次数很少，不可用于发表。",
}


def stamps_of(study: Study, loaded: Loaded, lang: str) -> list[str]:
    """Return what every output says: that the data were drawn, or that few draws were taken."""
    said = [SIMULATED[lang].format(name=study.data.sample)] if loaded.simulated else []
    return [*said, QUICK[lang]] if loaded.quick else said


@dataclass(frozen=True)
class Refusal:
    """The result of a fit that is there to be refused.

    Parameters
    ----------
    name : str
    message : str
        May know its Chinese.
    """

    name: str
    message: str


def failing_weights(values: Any, part: Any) -> list[str]:
    """Return the weights that a fit could name and does not, and that cannot be built: it goes without.

    That they cannot is said by their own step, and by what names them.
    """

    def fails(name: str) -> bool:
        try:
            values.weights(name)
        except SpatialError:
            return True
        return False

    return [name for name in spare_weights(values.study, part) if fails(name)]


def system_of(values: Any, name: str) -> Any:
    """Return a system, aligned and not estimated."""
    part = values.part(name)
    made = system_call(values.study, part, values.fits[name].group, failing_weights(values, part))
    return values.run(made)


_NAMES = {"quantity": "test", "I": "estimate", "z": "statistic", "vif": "estimate"}
_TITLES = {"moran_residuals": "Moran's I of residuals", "vif": "VIF", "anderson_rubin": "Anderson-Rubin"}
_COLUMNS = [
    "fit", "equation", "test", "term", "estimate", "statistic", "distribution", "p_value", "conf_low",
    "conf_high", "detail",
]  # fmt: skip


@dataclass(frozen=True)
class Collected:
    """Tests of one kind, by fit.

    Parameters
    ----------
    kind : str
    results : mapping of str to Result
    """

    kind: str
    results: Mapping[str, Any]

    def __getitem__(self, fit: str) -> Any:
        """Return the test of a fit."""
        return self.results[fit]

    def tidy(self) -> pd.DataFrame:
        """Return one row a test; what a kind has not is left out."""
        frames = []
        for fit, result in self.results.items():
            frame = result.tidy().rename(columns=_NAMES)
            if self.kind in _TITLES:
                frame = frame.assign(test=_TITLES[self.kind])
            if self.kind == "lm_spatial":
                frame = frame[frame["test"].str.contains("LM ")]
            if "detail" in frame and "reason" in frame:
                frame["detail"] = frame["detail"].where(frame["detail"] != "", frame["reason"])
            frames.append(frame.assign(fit=fit))
        found = pd.concat(frames, ignore_index=True)
        kept = [c for c in _COLUMNS if c in found and found[c].notna().any() and (found[c] != "").any()]
        return found[kept]

    def summary(self) -> str:
        """Return the tests in words."""
        return "\n\n".join(f"{fit}: {result.summary()}" for fit, result in self.results.items())


class _Drawn:
    """One draw: its values, and its truth."""

    def __init__(self, values: Any) -> None:
        self.values, self.truth = values, values.loaded.sample.truth


def analysed(values: Any, part: Any) -> Any:
    """Return the result of an analysis; of tests, all of them; of draws, a MonteCarlo."""
    if isinstance(part, questions.MonteCarlo):
        return _drawn_again(values, part)
    found = values.run(analysis_call(values.study, part))
    return Collected(part.kind, found) if isinstance(found, dict) else found


def _drawn_again(values: Any, part: Any) -> MonteCarlo:
    """Draw the sample again and again and fit the study's fits on each draw."""
    names = values.named(part.fits)
    fits = {name: lambda drawn, name=name: drawn.values.fit(name) for name in names}
    process = values.loaded.sample.weights
    alias = {
        name: "W"
        for name, one in values.study.weights.items()
        if getattr(one, "spec", None) == process and one.normalisation == "row"
    }
    options: dict[str, Any] = {"terms": part.terms, "level": part.level, "weights": alias}

    def draw(seed: int) -> _Drawn:
        loaded = load_data(values.study, values.folder, seed)
        return _Drawn(type(values)(values.study, values.folder, loaded, values.files))

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # each draw would say again what the fit said
        return monte_carlo(draw, fits, part.replications, seed=values.study.seed, **options)


def key_of_columns(values: Any, columns: Iterable[str] | None) -> str:
    """Return a digest of the data and of the lines that make columns; default all."""
    study = values.study
    found = lines(study, values.raw, None if columns is None else list(columns))
    texts = [(line.place.split("[")[0], written(line.call, _plain)) for line in found]
    used = {part.weights for part in study.measures if part.kind == "spatial_lag"}
    relevant = any(m.name in text for m in study.measures for _, text in texts)
    weights = [values.weights_key(name) for name in sorted(used)] if relevant else []
    return digest(values.data_key, texts, weights)


def _plain(ref: Ref) -> str:
    return f"{ref.kind} {ref.name}" if ref.name else ref.kind


def key_of_analysis(values: Any, part: Any) -> str:
    """Return a digest of what an analysis depends on: its fits, columns, weights and seed."""
    used = [values.default_weights(use.name) for use in part.uses() if use.what == "weights"]
    fits = [values.fit_key(fit) for fit in values.named(of_fits(part))]
    read = analysis_columns(values.study, part)
    columns = values.columns_key(read) if read else ""
    weights = [values.weights_key(one) for one in used]
    return digest(fits, part.model_dump(), columns, weights, values.study.seed)


def part_of_analysis(values: Any, found: FitName) -> Any:
    """Return the section of a fit that an analysis makes: that of its fit, with its own name and labels."""
    analysis = getattr(values.study, found.section)[found.number]
    own = str(found.method)
    variant = next((one for one in getattr(analysis, "variants", ()) if one.name == own), None)
    if variant is not None and variant.sample is not None and not (variant.en or variant.zh):
        variant = values.study.samples.get(variant.sample)  # whose labels say what it is
    words = {lang: getattr(variant, lang, None) for lang in ("en", "zh")}
    if not any(words.values()):
        words = {lang: values.labels.get(own) or variant_words(own, lang) for lang in words}
    name = f"{analysis.name}.{own}"
    return values.part(analysis.of).model_copy(update={**words, "name": name, "by": None, "compare": []})
