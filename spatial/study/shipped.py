"""Study files that ship: the commented starter, and the study of a sample."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path

from spatial import shapefiles, studies
from spatial.errors import DataError, did_you_mean
from spatial.io.atomic import out_folder

__all__ = ["PAPERS", "output_folder", "shipped_study", "ships", "starter"]

PAPERS = ("bai", "smart-city", "sun")
"""Studies of papers, on samples that are simulated."""


def starter(lang: str = "en") -> str:
    """Return the commented study file that `spatial new` writes; it runs as it is, on data that ship.

    Parameters
    ----------
    lang : "en" or "zh"
        Of its comments, and of the study.

    Examples
    --------
    >>> starter().splitlines()[0]
    '# A study: everything that a paper needs, from data to tables, in one file.'
    >>> starter("zh").splitlines()[0]
    '# 一项研究：一篇论文所需的一切，从数据到表格，都写在这一个文件里。'
    """
    name = "template_zh.toml" if lang == "zh" else "template.toml"
    return files("spatial.study").joinpath(name).read_text(encoding="utf-8")


def shipped_study(name: str = "nc") -> Path:
    """Return a study file that ships, to run or to copy: ``"nc"``, or a paper, as ``"sun"``.

    Examples
    --------
    >>> shipped_study().name, shipped_study("sun").parent.name
    ('study.toml', 'sun')
    """
    if name == "nc":
        return Path(shapefiles.path("nc")).with_name("study.toml")
    if name not in PAPERS:
        raise DataError(
            f"No study {name!r} ships.{did_you_mean(name, ('nc', *PAPERS))} "
            f"There are: nc, {', '.join(PAPERS)}."
        )
    return Path(str(studies.__file__)).parent / name / "study.toml"


def ships(file: Path) -> bool:
    """Tell whether a study file is one that ships: its results are not written beside it."""
    roots = [Path(str(one.__file__)).resolve().parent for one in (shapefiles, studies)]
    return any(file.resolve().is_relative_to(root) for root in roots)


def output_folder(file: Path, output: str, out: str | Path | None) -> Path:
    """Return `out`, or where `output` is: beside the study file; for a study that ships, where one stands."""
    if out is not None:
        return out_folder(out, "out")
    return (Path.cwd() if ships(file) else file.parent) / output
