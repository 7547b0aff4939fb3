"""Steps of a study that estimate: identification, systems, their tests and effects, regressions."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pandas as pd

from spatial.io.atomic import write_csv
from spatial.languages.names import stamp_words
from spatial.languages.shown import frame_text, shown
from spatial.study.cache import digest
from spatial.study.fits.estimates import policy_kinds
from spatial.study.fits.named import analyses, sections
from spatial.study.values import Refusal, Values
from spatial.tables.notes import left_out, method_words
from spatial.words import tell

from .step import Output, Step
from .terms import usable

__all__ = ["analysis_steps", "compare_text", "model_steps"]


def model_steps(values: Values) -> Iterator[Step]:
    """Return the steps of all sections that estimate."""
    for section, _, part in sections(values.study):
        if section == "systems":
            yield from _system_steps(values, part.name)
        else:
            fits = values.fits_of(part.name)
            key = digest([values.fit_key(name) for name in fits])
            yield Step(f"{section}: {part.name}", key, _bound(_plain, values, fits))
        if section == "did":
            yield from _policy_steps(values, part)


def analysis_steps(values: Values) -> Iterator[Step]:
    """Return the steps of mechanisms, moderations and heterogeneity."""
    for section, _, part in analyses(values.study):
        key = values.analysis_key(part.name)
        yield Step(f"{section}: {part.name}", key, _bound(_analysis, values, part.name))


def _analysis(values: Values, name: str, out: Output) -> None:
    found = values.analysis(name)
    out.text(found.summary(), "tables", f"{name}_analysis.txt")
    write_csv(found.tidy(), out.path("tables", f"{name}_analysis.csv"))
    out.show(found.summary())


def _bound(make: Callable[..., None], *given: Any) -> Callable[[Output], None]:
    return lambda out: make(*given, out)


def _system_steps(values: Values, name: str) -> Iterator[Step]:
    part = values.part(name)
    key = values.system_key(name)
    fits = values.fits_of(name)
    yield Step(f"systems: {name}, identification", key, _bound(_identification, values, name))
    keys = [values.fit_key(n) for n in fits]
    yield Step(f"systems: {name}, estimates", digest(keys), _bound(_estimates, values, name, fits))
    if part.expect == "refusal" or name not in fits:
        return
    if part.diagnostics:
        key = digest(values.fit_key(name), "diagnostics")
        yield Step(f"systems: {name}, diagnostics", key, _bound(_tests, values, name))
    if part.impacts:
        key = values.impacts_key(name)
        yield Step(f"systems: {name}, impacts", key, _bound(_impacts, values, name))


def _identification(values: Values, name: str, out: Output) -> None:
    found = values.system(name).identification()
    out.text(found.summary(), "tables", f"{name}_identification.txt")
    write_csv(found.frame, out.path("tables", f"{name}_identification.csv"))
    out.show(found.summary())


def _estimates(values: Values, name: str, names: list[str], out: Output) -> None:
    kept, said = usable(values, names)
    fits = {fit: values.fit(fit) for fit in kept}
    main = fits[names[0]]
    if isinstance(main, Refusal):
        _refused(main, out)
        return
    texts = [*(fit.summary() for fit in fits.values()), *said]
    out.text("\n\n".join([*texts, str(main.stability())]), "tables", f"{name}_estimates.txt")
    write_csv(_tidy(fits), out.path("tables", f"{name}_estimates.csv"))
    compared = all(values.fits[fit].group is None for fit in kept)
    if compared:
        kept = [
            method_words(fit, k) for fit, k in zip(fits.values(), left_out(list(fits.values())), strict=True)
        ]
    out.show(compare_text(dict(zip(kept, fits.values(), strict=True))))


def _tidy(fits: dict[str, Any]) -> pd.DataFrame:
    frame = pd.concat({name: fit.tidy() for name, fit in fits.items()}, names=["fit", None])
    return frame.reset_index("fit")


def _refused(found: Refusal, out: Output) -> None:
    text = tell(f"{found.name} is refused, as meant: ", f"{found.name} 被拒绝，符合预期：") + shown(
        found.message
    )
    out.text(text, "tables", f"{found.name}_estimates.txt")
    out.show(text)


def _tests(values: Values, name: str, out: Output) -> None:
    found = values.fit(name).diagnostics()
    out.text(found.summary(), "tables", f"{name}_diagnostics.txt")
    write_csv(found.frame, out.path("tables", f"{name}_diagnostics.csv"))
    out.show(_short(found.summary(), f"tables/{name}_diagnostics.txt"))


def _short(summary: str, file: str) -> str:
    """Leave out the verdict on identification, which is shown above, and tests without a number."""
    lines = summary.split(tell("\n\nIdentification", "\n\n模型识别"))[0].splitlines()
    kept = [line for line in lines if tell(": not computed (", "：未计算（") not in line]
    left = len(lines) - len(kept)
    said = tell(
        f"  {left} tests that do not apply here are in {file}, each with its reason.",
        f"  另有 {left} 项检验在此不适用，各自的原因见 {file}。",
    )
    note = [said] if left else []
    return "\n".join([*kept, *note])


def _impacts(values: Values, name: str, out: Output) -> None:
    found = values.impacts(name)
    out.text(found.summary(), "tables", f"{name}_impacts.txt")
    write_csv(found.tidy(), out.path("tables", f"{name}_impacts.csv"))
    out.show(found.summary())


def _plain(values: Values, names: list[str], out: Output) -> None:
    kept, said = usable(values, names)
    fits = {name: values.fit(name) for name in kept}
    first = next(iter(fits.values()))
    if isinstance(first, Refusal):
        _refused(first, out)
        return
    stem = values.part(names[0]).name
    texts = [*(fit.summary() for fit in fits.values()), *said]
    out.text("\n\n".join(texts), "tables", f"{stem}_estimates.txt")
    frame = _tidy(fits) if len(fits) > 1 else first.tidy()
    write_csv(frame, out.path("tables", f"{stem}_estimates.csv"))
    if not values.study.systems:  # whose estimates are what a reader of the screen looks for
        out.show("\n\n".join(texts))


# ---- what is done with a policy's effects
def _policy_steps(values: Values, part: Any) -> Iterator[Step]:
    for kind in policy_kinds(part):
        key = values.policy_key(part.name, kind)
        yield Step(f"did: {part.name}, {kind}", key, _bound(_policy, values, part.name, kind))


def _policy(values: Values, name: str, kind: str, out: Output) -> None:
    found = values.policy(name, kind)
    out.text(found.summary(), "tables", f"{name}_{kind}.txt")
    write_csv(found.tidy(), out.path("tables", f"{name}_{kind}.csv"))
    out.show(found.summary())


def compare_text(fits: dict[str, Any]) -> str:
    """Return coefficients of several fits side by side, with stars and standard errors."""
    columns = {}
    for name, fit in fits.items():
        tidy = fit.tidy().set_index(["equation", "term"])
        columns[name] = pd.Series(
            [_cell(b, e, p) for b, e, p in tidy[["estimate", "std_error", "p_value"]].to_numpy()],
            index=tidy.index,
        )
    frame = pd.concat(columns, axis=1, sort=False).fillna("")
    first = next(iter(fits.values()))
    head = tell(
        f"Estimates, N = {first.n_units}, T = {first.n_times}; standard errors: {first.covariance.label}",
        f"估计结果，N = {first.n_units}，T = {first.n_times}；标准误：{shown(first.covariance.label)}",
    )
    stamps = sorted({s for fit in fits.values() for s in getattr(fit, "stamps", ())})
    said = [tell(stamp, stamp_words(stamp, "zh")) for stamp in stamps]
    return "\n".join([head, frame_text(frame, index=True), "*** p < .01, ** p < .05, * p < .1", *said])


def _cell(estimate: float, error: float, p: float) -> str:
    stars = "***" if p < 0.01 else "**" if p < 0.05 else "*" if p < 0.1 else ""
    return f"{estimate:.4f}{stars} ({error:.4f})"
