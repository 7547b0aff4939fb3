"""Check the built pages: each link and picture leads somewhere, and nothing is asked of a network.

python docs/make/links.py [FOLDER]
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

BUILT = Path(__file__).parent.parent / "_build"
LOADS = {"script": "src", "img": "src", "link": "href", "iframe": "src", "source": "src"}


class _Page(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.links: list[str] = []
        self.loads: list[str] = []
        self.anchors: set[str] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {key: value or "" for key, value in attrs}
        self.anchors |= {given[key] for key in ("id", "name") if given.get(key)}
        if tag == "a" and given.get("href"):
            self.links.append(given["href"])
        if tag in LOADS and given.get(LOADS[tag]) and given.get("rel") not in ("canonical", "next", "prev"):
            self.loads.append(given[LOADS[tag]])


def faults(folder: Path) -> Iterator[str]:
    """Give each link without an end and each thing that a page loads from elsewhere."""
    found = (path for path in sorted(folder.rglob("*.html")) if "_static" not in path.parts)
    pages = {path: _read(path) for path in found}
    for path, page in pages.items():
        here = path.relative_to(folder)
        for address in page.loads:
            if urlsplit(address).netloc:
                yield f"{here} loads {address}"
        for address in {*page.links, *page.loads}:
            parts = urlsplit(address)
            if parts.scheme or parts.netloc or not (parts.path or parts.fragment):
                continue
            target = (path.parent / unquote(parts.path)).resolve() if parts.path else path.resolve()
            target = target / "index.html" if target.is_dir() else target
            if not target.exists():
                yield f"{here} links to {address}, which is not there"
            elif parts.fragment and target in pages and unquote(parts.fragment) not in pages[target].anchors:
                yield f"{here} links to {address}: no such place on the page"


def _read(path: Path) -> _Page:
    page = _Page()
    page.feed(path.read_text(encoding="utf-8"))
    return page


if __name__ == "__main__":
    found = list(faults(Path(sys.argv[1]).resolve() if len(sys.argv) > 1 else BUILT.resolve()))
    print("\n".join(found))
    sys.exit(bool(found))
