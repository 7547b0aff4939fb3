"""A conda channel out of the packages installed here, against which the recipe is built and tried.

    pip install py-rattler-build
    python recipe/channel.py FOLDER

Python with pip and setuptools, and each distribution that the recipe needs with what that requires, become
packages of FOLDER/channel; rattler-build builds the recipe against it into FOLDER/built and runs the recipe's
tests in an environment of its own.  It shows that the recipe is read, solved, built, installed and tried; not
that the versions of conda-forge go together.
"""

from __future__ import annotations

import hashlib
import io
import json
import re
import sys
import tarfile
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

RECIPE = Path(__file__).with_name("recipe.yaml")
RENAMED = {"matplotlib": "matplotlib-base"}
SUBDIR = "linux-64"
LIB = f"lib/python{sys.version_info.major}.{sys.version_info.minor}"
LEFT_OUT = ("site-packages", "test", "tests", "idlelib", "tkinter", "turtledemo", "ensurepip", "__pycache__")
File = tuple[str, Path]


def conda_name(name: str) -> str:
    """Return what a distribution is called in conda."""
    plain = canonicalize_name(name)
    return RENAMED.get(plain, plain)


def interpreter() -> Iterator[File]:
    """Yield the files of Python itself, by their place in a prefix."""
    base = Path(sys.base_prefix)
    named = ("python", "python3", f"python{sys.version_info.major}.{sys.version_info.minor}")
    yield from ((f"bin/{name}", (base / "bin" / "python3").resolve()) for name in named)
    yield from ((f"lib/{p.name}", p) for p in (base / "lib").glob("libpython*.so*") if not p.is_symlink())
    root = base / LIB
    for path in root.rglob("*"):
        parts = path.relative_to(root).parts
        if path.is_file() and not any(part in LEFT_OUT or part.startswith("config-") for part in parts):
            yield f"{LIB}/{'/'.join(parts)}", path


def files_of(found: metadata.Distribution) -> Iterator[File]:
    """Yield the files of a distribution that lie among the packages."""
    for path in found.files or ():
        here = Path(str(found.locate_file(path)))
        if not path.parts[0].startswith("..") and here.is_file() and here.suffix != ".pyc":
            yield f"{LIB}/site-packages/{path.as_posix()}", here


def requirements_of(found: metadata.Distribution) -> list[str]:
    """Return what a distribution requires here, by conda names."""
    asked = (Requirement(text) for text in found.requires or ())
    needed = [r for r in asked if r.marker is None or r.marker.evaluate({"extra": ""})]
    return sorted({conda_name(r.name) for r in needed} | {"python"})


def pack(channel: Path, name: str, version: str, depends: list[str], files: list[File]) -> dict[str, object]:
    """Write one package; return its record."""
    index = {"name": name, "version": version, "build": "0", "build_number": 0, "depends": depends,
             "subdir": SUBDIR, "arch": "x86_64", "platform": "linux"}  # fmt: skip
    paths = [
        {"_path": place, "path_type": "hardlink", "sha256": hashlib.sha256(path.read_bytes()).hexdigest(),
         "size_in_bytes": path.stat().st_size}
        for place, path in files
    ]  # fmt: skip
    target = channel / SUBDIR / f"{name}-{version}-0.tar.bz2"
    with tarfile.open(target, "w:bz2", compresslevel=1) as archive:
        for inner, content in (("index", index), ("paths", {"paths": paths, "paths_version": 1})):
            data = json.dumps(content).encode()
            entry = tarfile.TarInfo(f"info/{inner}.json")
            entry.size = len(data)
            archive.addfile(entry, io.BytesIO(data))
        for place, path in files:
            archive.add(path, place, recursive=False)
    data = target.read_bytes()
    return {target.name: {**index, "sha256": hashlib.sha256(data).hexdigest(),
                          "md5": hashlib.md5(data).hexdigest(), "size": len(data)}}  # fmt: skip


def make_channel(channel: Path, wanted: list[str]) -> None:
    """Write the packages that are wanted, and all that they require."""
    (channel / SUBDIR).mkdir(parents=True)
    (channel / "noarch").mkdir()
    version = ".".join(map(str, sys.version_info[:3]))
    records = pack(channel, "python", version, [], list(interpreter()))
    known = {conda_name(d.name): d for d in metadata.distributions()}
    left, done = list(wanted), {"python"}
    while left:
        name = left.pop()
        if name in done:
            continue
        done.add(name)
        found = known[name]
        records |= pack(channel, name, found.version, requirements_of(found), list(files_of(found)))
        left += requirements_of(found)
    for subdir, packages in ((SUBDIR, records), ("noarch", {})):
        content = {
            "info": {"subdir": subdir},
            "packages": packages,
            "packages.conda": {},
            "repodata_version": 1,
        }
        (channel / subdir / "repodata.json").write_text(json.dumps(content), encoding="utf-8")


def needed() -> list[str]:
    """Return what the recipe needs to build and to run."""
    text = RECIPE.read_text(encoding="utf-8")
    parts = (text.split(f"  {part}:\n")[1].split("\n  run:")[0].split("\n\n")[0] for part in ("host", "run"))
    return [name for part in parts for name in re.findall(r"^    - ([\w-]+)", part, re.M)]


def main() -> None:
    """Make the channel, build, and run the tests of the recipe."""
    from rattler_build import Stage0Recipe, ToolConfiguration

    folder = Path(sys.argv[1]).resolve()
    make_channel(folder / "channel", needed())
    options = ToolConfiguration(test_strategy="native", use_zstd=False, use_bz2=False, use_sharded=False)
    channels = [(folder / "channel").as_uri()]
    for rendered in Stage0Recipe.from_file(RECIPE).render():
        print(rendered.run_build(options, output_dir=folder / "built", channels=channels))


if __name__ == "__main__":
    main()
