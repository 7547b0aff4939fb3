"""Tables of a study that show a frame: what was measured, policies, analyses, draws, checks, truth."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pandas as pd

from spatial.languages.heads import HEADS
from spatial.languages.messages import in_language
from spatial.languages.names import condition_words, covariance_words, name_in_chinese, named_in_chinese
from spatial.study.cache import digest
from spatial.study.calls import Call, Ref, call
from spatial.study.fits.assumptions import detail_in_chinese
from spatial.study.fits.named import analyses
from spatial.study.measured import measures_frame, weights_of_index
from spatial.study.values import Values

from .chinese import in_chinese, reason_in_chinese
from .shown import Shown
from .terms import controls_of, groups_of, head_of, usable, variant_labels
from .truth import truth_frame

__all__ = ["Analysed", "Checked", "Cleaned", "Frame", "Index", "Measured", "Policy", "Samples", "Truth"]


class Frame(Shown):
    """A table that shows a frame; its heads are words of the language."""

    def shown(self) -> pd.DataFrame:
        """Return the frame with its heads."""
        heads = HEADS[self.values.study.language]
        frame = self.numbers()
        kept = [column for column in frame.columns if column in heads]
        return frame[kept].rename(columns=heads)

    def call(self) -> Call:
        words = {**self.words(), "title": self.title or ""}
        return call("frame_table", Ref("frame", self.part.name), **words)


class Measured(Frame):
    def key(self) -> str:
        values = self.values
        return values.columns_key([part.name for part in values.study.measures])

    def numbers(self) -> pd.DataFrame:
        frame, lang = measures_frame(self.values), self.values.study.language
        frame["formula"] = [in_language(str(text), lang) for text in frame["formula"]]
        return frame if self.part.of is None else frame.set_index("name").loc[self.part.of].reset_index()


class Index(Frame):
    def key(self) -> str:
        return self.values.columns_key(self.part.of)

    def numbers(self) -> pd.DataFrame:
        values = self.values
        parts = {part.name: part for part in values.study.measures}
        frames = {name: weights_of_index(values, parts[name]) for name in self.part.of}
        found = pd.concat({n: f for n, f in frames.items() if f is not None}, names=["index", None])
        found = found.reset_index("index").reset_index(drop=True)
        found["label"] = [values.label(str(name)) for name in found["indicator"]]
        if "dimension" in found:
            words = {
                name: said for one in self.part.of for name, said in getattr(parts[one], "labels", {}).items()
            }
            lang = values.study.language
            found["dimension"] = found["dimension"].map(lambda name: words.get(name, {}).get(lang, name))
        return found.drop(columns="index") if len(self.part.of) == 1 else found


class Truth(Frame):
    def key(self) -> str:
        return digest([self.values.fit_key(name) for name in self.values.named(self.part.of)])

    def numbers(self) -> pd.DataFrame:
        part = self.part
        wanted = (
            None if part.terms is None else controls_of(self.values, part.terms, self.values.named(part.of))
        )
        return truth_frame(self.values, part.of, wanted)

    def shown(self) -> pd.DataFrame:
        """Return the frame with labels of fits, equations and terms."""
        values, frame = self.values, self.numbers()
        frame["fit"] = [head_of(values, str(name)) for name in frame["fit"]]
        _named(values, frame, ("equation", "term"))
        return frame.rename(columns=HEADS[values.study.language])


class Policy(Frame):
    """What is done with the effects of policies, a part below the other."""

    def _parts(self) -> list[tuple[str, Any]]:
        kind, values = self.part.kind, self.values
        if kind in ("did", "event_study"):
            shown = "tidy" if kind == "did" else kind
            return [(fit, getattr(values.fit(fit), shown)()) for fit in self._usable()[0]]
        return [(name, values.policy(name, kind).tidy()) for name in self.part.of]

    def _usable(self) -> tuple[list[str], list[str]]:
        return usable(self.values, [fit for name in self.part.of for fit in self.values.fits_of(name)])

    def notes(self) -> list[str]:
        if self.part.kind not in ("did", "event_study"):
            return super().notes()
        # A method that cannot estimate is said below the others.
        kept, said = self._usable()
        fits = [self.values.fit(fit) for fit in kept]
        return [*_inference(self.numbers(), (), fits, self.values.study.language), *said, *super().notes()]

    def key(self) -> str:
        values = self.values
        fits = [values.fit_key(fit) for name in self.part.of for fit in values.fits_of(name)]
        return digest(fits, [values.part(name).model_dump() for name in self.part.of])

    def numbers(self) -> pd.DataFrame:
        found = pd.concat(dict(self._parts()), names=["fit", None]).reset_index("fit")
        return pd.DataFrame(found.reset_index(drop=True))

    def shown(self) -> pd.DataFrame:
        values, frame = self.values, self.numbers()
        frame["fit"] = [head_of(values, str(name)) for name in frame["fit"]]
        _named(values, frame, ("equation", "term", "comparison", "left_out", "sample"))
        frame = frame.drop(columns=["fit"] if self.part.kind == "balance" and len(self.part.of) == 1 else [])
        return frame.rename(columns=HEADS[values.study.language])


class Analysed(Policy):
    """Mechanisms, moderations, groups, robustness, tests, sensitivity, draws."""

    def _parts(self) -> list[tuple[str, Any]]:
        return [(name, self.values.analysis(name).tidy()) for name in self.part.of]

    def numbers(self) -> pd.DataFrame:
        # Tests and draws name their fits themselves.
        frames = [frame if "fit" in frame else frame.assign(fit=name) for name, frame in self._parts()]
        found = pd.concat(frames, ignore_index=True)
        return found[["fit", *found.columns.drop("fit")]]

    def shown(self) -> pd.DataFrame:
        """Return the frame with labels of fits, variants and terms."""
        values, frame = self.values, self.numbers()
        if "variant" in frame:
            labels = {name: variant_labels(values, values.analysis_part(name)) for name in self.part.of}
            frame["variant"] = [labels[fit][v] for fit, v in zip(frame["fit"], frame["variant"], strict=True)]
        if "group" in frame:
            groups: dict[str, str] = {}
            for name in self.part.of:
                groups |= groups_of(values, values.analysis_part(name))
            frame["group"] = frame["group"].map(lambda name: groups.get(str(name), name))
        frame["fit"] = [self._head(str(name)) for name in frame["fit"]]
        _named(values, frame, ("step", "left_out", "by", "at", "term", "equation"))
        for column in ("test", "quantity"):
            if column in frame and values.study.language == "zh":
                frame[column] = [named_in_chinese(str(name)) for name in frame[column]]
        if "detail" in frame and values.study.language == "zh":
            frame["detail"] = [detail_in_chinese(str(text)) for text in frame["detail"].fillna("")]
        frame = frame.drop(columns=["fit"] if frame["fit"].nunique() == 1 and len(frame) > 1 else [])
        return frame.rename(columns=HEADS[values.study.language])

    def _head(self, name: str) -> str:
        values = self.values
        if name in values.fits:
            return head_of(values, name)
        part = next((one for *_, one in analyses(values.study) if one.name == name), None)
        language = values.study.language
        return str(
            getattr(part, language, None) or getattr(part, "en", None) or getattr(part, "zh", None) or name
        )

    def key(self) -> str:
        return digest([self.values.analysis_key(name) for name in self.part.of])

    def notes(self) -> list[str]:
        # Tests of equality, and what each style assumes, stand below the table.
        values, notes = self.values, list[str]()
        for name in self.part.of:
            part = values.analysis_part(name)
            heads = variant_labels(values, part) if self.part.kind == "robustness" else {}
            heads |= {fit: head_of(values, fit) for fit in values.named(getattr(part, "fits", []))}
            for note in getattr(values.analysis(name), "table_notes", ()):
                notes.append(_note(values, note, heads))
        results = [values.analysis(name) for name in self.part.of]
        firsts = [next(iter(fits.values())) for one in results if (fits := getattr(one, "fits", None))]
        said = _inference(self.numbers(), results, firsts, values.study.language)
        return [*notes, *said, *super().notes()]


def _inference(frame: pd.DataFrame, results: Iterable[Any], fits: Iterable[Any], lang: str) -> list[str]:
    """Say of which level intervals are, and how the standard errors were computed, where that is one way."""
    labels = {covariance_words(fit.covariance.label, lang) for fit in fits if hasattr(fit, "covariance")}
    levels = {getattr(one, "level", 0.95) for one in results} or {0.95}
    said = []
    if "std_error" in frame and len(labels) == 1:
        label = labels.pop()
        said.append((f"Standard errors: {label}", f"标准误：{label}"))
    if "conf_low" in frame and len(levels) == 1:
        level = f"{100 * levels.pop():g}%"
        said.append((f"{level} intervals", f"{level} 置信区间"))
    if not said:
        return []
    chinese = lang == "zh"
    text = ("；" if chinese else "; ").join(pair[chinese] for pair in said)
    return [text + ("。" if chinese else ".")]


def _note(values: Values, note: str, heads: dict[str, str]) -> str:
    """Return a note of a result with the labels of its variants, in the language of the study."""
    if values.study.language == "zh":
        return in_chinese(note, values, heads)
    name = note.split(":")[0]
    return note.replace(name, heads[name], 1) if name in heads else note


def _named(values: Values, frame: pd.DataFrame, columns: Iterable[str]) -> None:
    """Put what readers call them in the place of names, in some columns."""
    labels, zh = values.term_labels, values.study.language == "zh"
    for column in columns:
        if column in frame:
            texts = ["" if pd.isna(name) else str(name) for name in frame[column]]
            other = [named_in_chinese(name_in_chinese(t, labels)) for t in texts] if zh else texts
            frame[column] = [labels.get(t, o) for t, o in zip(texts, other, strict=True)]


class Checked(Frame):
    """What cannot be right in printed tables; an empty one says that nothing was found."""

    def key(self) -> str:
        return digest([self.values.study.printed[name].model_dump() for name in self.part.of])

    def numbers(self) -> pd.DataFrame:
        study = self.values.study
        frames = [
            self.values.run(check_call(study, name)).assign(source=study.printed[name].said(study.language))
            for name in self.part.of
        ]
        found = pd.concat(frames, ignore_index=True)
        return found[["source", *found.columns.drop("source")]]

    def notes(self) -> list[str]:
        clear = [
            self.values.study.printed[name].said(self.values.study.language)
            for name in self.part.of
            if self.values.run(check_call(self.values.study, name)).empty
        ]
        zh = self.values.study.language == "zh"
        said = [f"{source}：未发现问题。" if zh else f"{source}: nothing was found." for source in clear]
        return [*said, *super().notes()]

    def shown(self) -> pd.DataFrame:
        frame = self.numbers()
        if self.values.study.language == "zh":
            for column in ("where", "check", "severity", "words"):
                frame[column] = [reason_in_chinese(str(text)) for text in frame[column]]
        for column in ("where", "equation", "term"):
            if column in frame:
                frame[column] = [", ".join(map(self.values.label, str(t).split(", "))) for t in frame[column]]
        return frame.rename(columns=HEADS[self.values.study.language])


def check_call(study: Any, name: str) -> Call:
    """Return the check of a printed table."""
    part = study.printed[name]
    given = {"moments": part.moments, "winsorized": part.winsorized}
    options = {key: value for key, value in given.items() if value is not None}
    options |= {"largest": part.largest} if part.largest else {}
    return call("check_table", Ref("printed", name), **options)


class Samples(Frame):
    """Rows, units and times of named samples."""

    def numbers(self) -> pd.DataFrame:
        study, panel = self.values.study, self.values.panel
        names = list(study.samples) if self.part.of is None else self.part.of
        other = "en" if study.language == "zh" else "zh"
        rows = []
        for name in names:
            part = study.samples[name]
            chosen = panel.where(part.where)
            rows.append(
                {
                    "name": name,
                    "label": getattr(part, study.language) or getattr(part, other) or name,
                    "formula": part.where,
                    "rows": len(chosen.frame),
                    "share": len(chosen.frame) / len(panel.frame),
                    "units": chosen.n_units,
                    "times": chosen.n_times,
                }
            )
        return pd.DataFrame(rows)

    def shown(self) -> pd.DataFrame:
        """Return the frame with conditions in the words of the language."""
        frame, lang = self.numbers(), self.values.study.language
        frame["formula"] = [condition_words(str(text), lang, self.values.labels) for text in frame["formula"]]
        return frame.rename(columns=HEADS[lang])


class Cleaned(Frame):
    def numbers(self) -> pd.DataFrame:
        return self.values.panel.history_frame().reset_index()
