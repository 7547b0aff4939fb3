"""Headless Chromium over its DevTools pipe: no driver, no port, no package beside the browser itself."""

from __future__ import annotations

import base64
import json
import os
import select
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
FLAGS = (
    *(
        "--headless=new",
        "--no-sandbox",
        "--disable-gpu",
        "--disable-quic",
        "--no-first-run",
        "--disable-sync",
    ),
    *("--disable-background-networking", "--disable-component-update", "--disable-default-apps"),
    *("--disable-extensions", "--disable-dev-shm-usage", "--hide-scrollbars", "--no-proxy-server"),
    "--remote-debugging-pipe",
)


def find_browser() -> str:
    """Return the browser of $CHROMIUM or the path; say how to get one."""
    found = os.environ.get("CHROMIUM") or next(filter(None, map(shutil.which, NAMES)), None)
    if not found:
        raise RuntimeError(
            "The browser tests need Chromium (Debian: apt install chromium), or its path in $CHROMIUM."
        )
    return found


class Page:
    """One tab: evaluate, click, drag, and all that was logged or asked of the network."""

    def __init__(self, read: int, write: int, downloads: Path) -> None:
        self.downloads = downloads
        self._read, self._write = read, write
        self._buffer, self._number = b"", 0
        self.session = ""
        self.requests: list[str] = []
        self.problems: list[str] = []

    def call(self, method: str, **params: Any) -> Any:
        """Send one command and return its result."""
        self._number += 1
        message: dict[str, Any] = {"id": self._number, "method": method, "params": params}
        if self.session and not method.startswith(("Target.", "Browser.")):
            message["sessionId"] = self.session
        os.write(self._write, json.dumps(message).encode() + b"\0")
        while True:
            answer = self._next(60)
            if answer.get("id") == self._number:
                if "error" in answer:
                    raise RuntimeError(f"{method}: {answer['error']['message']}")
                return answer["result"]

    def _next(self, seconds: float) -> dict[str, Any]:
        limit = time.monotonic() + seconds
        while b"\0" not in self._buffer:
            ready, _, _ = select.select([self._read], [], [], max(0.0, limit - time.monotonic()))
            piece = os.read(self._read, 1 << 20) if ready else b""
            if not piece:
                raise RuntimeError(f"The browser gave no answer in {seconds:g} s.")
            self._buffer += piece
        text, self._buffer = self._buffer.split(b"\0", 1)
        message: dict[str, Any] = json.loads(text)
        self._note(message)
        return message

    def _note(self, message: dict[str, Any]) -> None:
        params = message.get("params", {})
        match message.get("method"):
            case "Network.requestWillBeSent":
                self.requests.append(params["request"]["url"])
            case "Network.webSocketCreated":
                self.requests.append(params["url"])
            case "Runtime.exceptionThrown":
                self.problems.append(json.dumps(params["exceptionDetails"])[:600])
            case "Runtime.consoleAPICalled" if params["type"] in ("error", "warning", "assert"):
                self.problems.append(json.dumps(params["args"])[:600])
            case "Log.entryAdded" if params["entry"]["level"] in ("error", "warning"):
                self.problems.append(params["entry"]["text"])
            case "Page.javascriptDialogOpening":
                self.problems.append(f"dialog: {params['message']}")

    def open(self, path: Path) -> None:
        """Load a file and wait until the report says that it stands."""
        self.call("Page.navigate", url=path.resolve().as_uri())
        self.wait("document.body && document.body.dataset.ready === 'yes'")
        self.settle()

    def js(self, expression: str) -> Any:
        """Evaluate, waiting for promises; an exception in the page is one here."""
        answer = self.call("Runtime.evaluate", expression=expression, awaitPromise=True, returnByValue=True)
        if "exceptionDetails" in answer:
            raise RuntimeError(json.dumps(answer["exceptionDetails"])[:900])
        return answer["result"].get("value")

    def wait(self, condition: str, seconds: float = 30) -> None:
        """Wait for a condition in the page."""
        limit = time.monotonic() + seconds
        while not self.js(condition):
            if time.monotonic() > limit:
                raise RuntimeError(f"Never became true: {condition}. {self.problems}")
            time.sleep(0.03)

    def settle(self) -> None:
        """Wait for two frames, after which all is painted."""
        self.js("new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(() => done(1))))")

    def mouse(self, kind: str, x: float, y: float, *, held: bool = False) -> None:
        """Move, press or release the left button."""
        button = "left" if held or kind != "mouseMoved" else "none"
        down = 1 if held or kind == "mousePressed" else 0
        self.call(
            "Input.dispatchMouseEvent",
            type=kind, x=x, y=y, button=button, buttons=down, clickCount=0 if kind == "mouseMoved" else 1,
        )  # fmt: skip

    def hover(self, x: float, y: float) -> None:
        """Move there in two steps, as a hand does."""
        self.mouse("mouseMoved", x - 2, y - 2)
        self.mouse("mouseMoved", x, y)
        self.settle()

    def click(self, x: float, y: float) -> None:
        """Click a place."""
        self.mouse("mouseMoved", x, y)
        self.mouse("mousePressed", x, y)
        self.mouse("mouseReleased", x, y)
        self.settle()

    def drag(self, start: tuple[float, float], end: tuple[float, float]) -> None:
        """Drag a box."""
        self.mouse("mouseMoved", *start)
        self.mouse("mousePressed", *start)
        for step in range(1, 7):
            x, y = (a + (b - a) * step / 6 for a, b in zip(start, end, strict=True))
            self.mouse("mouseMoved", x, y, held=True)
        self.mouse("mouseReleased", *end)
        self.settle()

    def key(self, name: str) -> None:
        """Press a key where the focus is, as "ArrowRight" or "Enter"."""
        text = {"Enter": "\r", "Space": " "}.get(name, "")
        options: dict[str, Any] = {"key": " " if name == "Space" else name, "code": name}
        self.call("Input.dispatchKeyEvent", type="keyDown", **options, **({"text": text} if text else {}))
        self.call("Input.dispatchKeyEvent", type="keyUp", **options)
        self.settle()

    def tap(self, x: float, y: float) -> None:
        """Tap with a finger."""
        self.call("Input.dispatchTouchEvent", type="touchStart", touchPoints=[{"x": x, "y": y}])
        self.call("Input.dispatchTouchEvent", type="touchEnd", touchPoints=[])
        self.settle()

    def resize(self, width: int, height: int = 900, *, mobile: bool = False) -> None:
        """Give the window another size, or that of a phone."""
        self.call(
            "Emulation.setDeviceMetricsOverride",
            width=width, height=height, deviceScaleFactor=1, mobile=mobile,
        )  # fmt: skip
        self.call("Emulation.setTouchEmulationEnabled", enabled=mobile)

    def media(self, **features: str) -> None:
        """Ask for media features, as ``prefers_color_scheme="dark"``; none, and all are as they were."""
        given = [{"name": name.replace("_", "-"), "value": value} for name, value in features.items()]
        self.call("Emulation.setEmulatedMedia", media="", features=given)

    def box(self, selector: str) -> dict[str, float]:
        """Return left, top, width and height of an element."""
        found: dict[str, float] = self.js(
            f"(() => {{ const r = document.querySelector({json.dumps(selector)}).getBoundingClientRect();"
            " return {left: r.left, top: r.top, width: r.width, height: r.height}; })()"
        )
        return found

    def screenshot(self, path: Path) -> None:
        """Write what the window shows."""
        path.write_bytes(base64.b64decode(self.call("Page.captureScreenshot", format="png")["data"]))


@contextmanager
def browser(folder: Path, *, width: int = 1400, height: int = 900) -> Iterator[Page]:
    """Start a browser with an empty profile in `folder`; downloads go to folder/downloads."""
    downloads = folder / "downloads"
    downloads.mkdir(parents=True, exist_ok=True)
    command_read, command_write = os.pipe()
    answer_read, answer_write = os.pipe()
    # The protocol's descriptors are 3 and 4; a shell puts them there.
    line = f'exec "$0" "$@" 3<&{command_read} 4>&{answer_write}'
    size = [f"--window-size={width},{height}", f"--user-data-dir={folder / 'profile'}", "about:blank"]
    process = subprocess.Popen(
        ["bash", "-c", line, find_browser(), *FLAGS, *size],
        pass_fds=(command_read, answer_write),
        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    os.close(command_read)
    os.close(answer_write)
    page = Page(answer_read, command_write, downloads)
    try:
        targets = page.call("Target.getTargets")["targetInfos"]
        target = next(t["targetId"] for t in targets if t["type"] == "page")
        page.session = page.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Network", "Log"):
            page.call(f"{domain}.enable")
        page.call(
            "Emulation.setDeviceMetricsOverride",
            width=width,
            height=height,
            deviceScaleFactor=1,
            mobile=False,
        )
        page.call("Browser.setDownloadBehavior", behavior="allow", downloadPath=str(downloads))
        yield page
    finally:
        try:
            page.call("Browser.close")
        except (RuntimeError, OSError):
            process.terminate()
        os.close(command_write)
        os.close(answer_read)
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
