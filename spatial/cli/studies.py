"""The commands `spatial run`, `spatial check` and `spatial new`."""

from __future__ import annotations

import json
import os
import re
import sys
import time
from pathlib import Path
from typing import Annotated, Any, NoReturn

import typer

from spatial.errors import DataError, SpatialError
from spatial.languages.session import language
from spatial.words import in_force, tell

from .options import Json, Lang, check_lang, print_json

__all__ = ["check_command", "explain_command", "new_command", "print_run", "run_command"]


def run_command(
    study: Annotated[Path, typer.Argument(help="The study file (.toml).")],
    out: Annotated[
        Path | None, typer.Option(help="Folder of the results; default as the study says.")
    ] = None,
    only: Annotated[
        list[str] | None,
        typer.Option(help="Run only this section or step, as tables; may be given several times."),
    ] = None,
    quick: Annotated[
        bool, typer.Option("--quick", help="A first look: few draws, in a folder of its own, stamped.")
    ] = False,
    full: Annotated[
        bool, typer.Option("--full", help="Monte Carlo at full size, in a folder of its own.")
    ] = False,
    jobs: Annotated[
        int, typer.Option("--jobs", min=1, help="How many steps run at once; the results are the same.")
    ] = 1,
    quiet: Annotated[bool, typer.Option("--quiet", help="Leave the results off the screen.")] = False,
    as_json: Json = False,
) -> None:
    """Rebuild a study: tables, figures, GIS layers, report and run.json, in one folder."""
    from spatial.study.run import StudyRunError, run_study

    speak_as(study)
    failed: StudyRunError | None = None
    try:
        folder = run_study(study, out=out, only=only, quick=quick, full=full, jobs=jobs)
    except StudyRunError as error:
        failed, folder = error, error.folder
    except SpatialError as error:
        _refuse(error, study)
    if as_json:
        print_run(folder)
    elif not quiet:
        _show(folder, only)
    if failed is not None:
        _refuse(failed, study)


def check_command(
    study: Annotated[Path | None, typer.Argument(help="The study file (.toml).")] = None,
    schema: Annotated[
        bool, typer.Option("--schema", help="Print the JSON Schema of study files, for editors.")
    ] = False,
    plan: Annotated[
        bool, typer.Option("--plan", help="Print the steps, which are up to date, and last time's seconds.")
    ] = False,
    watch: Annotated[
        bool, typer.Option("--watch", help="Check again each time the file is saved; Ctrl-C ends it.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Check a study file without running it; all problems at once, each with its place."""
    from spatial.study.run import check_study, json_schema, plan_study

    if schema:
        print(json.dumps(json_schema(), indent=2, ensure_ascii=False))
        return
    if study is None:
        raise SpatialError("spatial check needs a study file, or --schema.")
    speak_as(study)
    if watch:
        _watch(study)
        return
    try:
        found = check_study(study)
        steps = plan_study(study) if plan else None
    except SpatialError as error:
        if as_json:
            problems = [{"place": p.place, "message": p.message} for p in getattr(error, "problems", ())]
            print_json({"study": str(study), "problems": problems or [{"place": "", "message": str(error)}]})
            raise typer.Exit(2) from None
        _refuse(error, study)
    if steps is not None and as_json:
        print_json(
            {"study": str(study), "problems": [], "steps": json.loads(steps.to_json(orient="records"))}
        )
        return
    if steps is not None:
        print(_plan_text(steps))
        ready = int((steps["state"] == "unchanged").sum())
        seconds = f"{steps['seconds'].sum():.0f}"
        print(
            tell(
                f"{len(steps)} steps, {ready} up to date; last time {seconds} s.",
                f"{len(steps)} 个步骤，{ready} 个无需重做；上次用时 {seconds} 秒。",
            )
        )
        return
    parts = {
        "weights": len(found.weights),
        "systems": len(found.systems),
        "regressions": len(found.regressions),
        "tables": len(found.tables),
        "figures": len(found.figures),
        "layers": len(found.layers),
    }
    if as_json:
        print_json({"study": str(study), "problems": [], "parts": parts})
        return
    counts = tell(", ", "，").join(
        tell(f"{count} {name}", f"{_PARTS[name]} {count}") for name, count in parts.items() if count
    )
    print(
        tell(
            f"{study}: nothing to mend ({counts or 'data only'}).",
            f"{study}：没有需要修改之处（{counts or '只有数据'}）。",
        )
    )


_PARTS = {
    "weights": "权重矩阵",
    "systems": "方程组",
    "regressions": "回归",
    "tables": "表",
    "figures": "图",
    "layers": "图层",
}
_STATES = {"unchanged": "无需重做", "to run": "待运行"}


def _plan_text(steps: Any) -> str:
    """Write the steps, which are up to date, and the seconds of the last time."""
    shown = steps.drop(columns="section")
    if in_force() == "zh":
        import pandas as pd

        shown = shown.assign(state=shown["state"].replace(_STATES)).set_axis(["步骤", "状态", "秒"], axis=1)
        with pd.option_context("display.unicode.east_asian_width", True):
            return str(shown.to_string(index=False, na_rep="", max_colwidth=72))
    return str(shown.to_string(index=False, na_rep="", max_colwidth=72))


def _watch(study: Path) -> None:
    """Check a study file now, and again each time it is saved."""
    from spatial.study.run import check_study

    last = -1
    try:
        while True:
            saved = study.stat().st_mtime_ns if study.exists() else 0
            if saved != last:
                last, now = saved, time.strftime("%H:%M:%S")
                try:
                    check_study(study)
                    print(f"{now}  {study}" + tell(": nothing to mend.", "：没有需要修改之处。"), flush=True)
                except SpatialError as error:
                    print(f"{now}  {error}", flush=True)
            time.sleep(0.5)
    except KeyboardInterrupt:
        return


def new_command(
    path: Annotated[Path, typer.Argument(help="File to write.")] = Path("study.toml"),
    force: Annotated[bool, typer.Option("--force", help="Replace a file that is there.")] = False,
    like: Annotated[
        str | None, typer.Option("--like", help="A paper's study to copy: bai | smart-city | sun.")
    ] = None,
    lang: Lang = None,
    as_json: Json = False,
) -> None:
    """Write a study file to start from, with the JSON Schema for editors; it runs as it is."""
    from spatial.io.atomic import atomic_text
    from spatial.study.run import json_schema
    from spatial.study.shipped import shipped_study, starter

    if path.exists() and not force:
        raise DataError(f"{str(path)!r} is there already: give another name, or --force to replace it.")
    if like is None:
        text = starter(check_lang(lang))
    else:
        text = shipped_study(like).read_text(encoding="utf-8")
        if lang is not None:  # a paper's study has its titles and labels in both
            text = re.sub(r'(?m)^language = "\w+"', f'language = "{check_lang(lang)}"', text, count=1)
    schema = path.with_name("study.schema.json")
    atomic_text(path, f"#:schema ./{schema.name}\n{text}")
    atomic_text(schema, json.dumps(json_schema(), indent=1, ensure_ascii=False) + "\n")
    if as_json:
        print_json({"written": [str(path), str(schema)]})
        return
    print(
        tell(
            f"Written: {path}. Check it with `spatial check {path}`, run it with `spatial run {path}`.",
            f"已写入：{path}。用 `spatial check {path}` 检查，用 `spatial run {path}` 运行。",
        )
    )


def explain_command(
    study: Annotated[Path, typer.Argument(help="The study file (.toml).")],
    how: Annotated[str, typer.Option("--as", help="python: the script that does the same.")] = "",
    lang: Annotated[str | None, typer.Option(help="In words: en | zh; default the study's own.")] = None,
    as_json: Json = False,
) -> None:
    """Print a study as a Python script (--as python), or in words."""
    from spatial.study.run import check_study, explain_study

    if how not in ("", "python"):
        _refuse(
            DataError(f"--as takes python; got {how!r}. Without it the study is printed in words."), study
        )
    try:
        text = explain_study(study, how or lang or check_study(study).language)
    except SpatialError as error:
        _refuse(error, study)
    print_json({"study": str(study), "as": how or "words", "text": text}) if as_json else print(text)


def print_run(folder: Path) -> None:
    """Print the record of a run as JSON, with its folder."""
    record = json.loads((folder / "run.json").read_text(encoding="utf-8"))
    print_json({"folder": str(folder), **record})


def speak_as(study: Path) -> None:
    """Speak the language of a study until the command ends."""
    from spatial.study.reading import language_of

    language(language_of(study))


def _refuse(error: SpatialError, study: Path) -> NoReturn:
    """Print a list as a list, in the language of the study, and leave with code 2."""
    speak_as(study)
    print(f"spatial: {error}", file=sys.stderr)
    raise typer.Exit(2)


def _show(folder: Path, only: list[str] | None) -> None:
    from spatial.study.run import shown_texts

    for text in shown_texts(folder, only):
        print(f"\n{text}")
    names = [n for n in ("tables", "figures", "gis", "report.html", "run.json") if (folder / n).exists()]
    print(tell("\nWritten to ", "\n已写入 ") + f"{folder}{os.sep}{tell(': ', '：')}{', '.join(names)}")
