"""Headless Chromium, driven by the DevTools protocol over two pipes."""

import base64
import json
import os
import select
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

PATIENCE = 30

FLAGS = (
    *("--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking", "--no-first-run"),
    *("--hide-scrollbars", "--remote-debugging-pipe", "--disable-component-update", "--disable-dev-shm-usage"),
)

LAUNCH = (
    *(sys.executable, "-I", "-S", "-c"),
    "import fcntl, os, sys\n"
    "pipes = [fcntl.fcntl(int(number), fcntl.F_DUPFD, 10) for number in sys.argv[1:3]]\n"
    "for at, pipe in enumerate(pipes, 3): os.dup2(pipe, at)\n"
    "os.execv(sys.argv[3], sys.argv[3:])",
)
"""Chromium wants its pipes as files 3 and 4."""

LOADED = """
new Promise(resolve => {
    const there = (image) => image.complete || image.loading === "lazy";
    const complete = () => [...document.images].every(there) && document.readyState === "complete";
    const look = () => complete() ? resolve(true) : setTimeout(look, 10);
    look();
})
"""

EAGER = "for (const image of document.images) image.loading = 'eager'; 0"
"""Loads what is not in view too; LOADED waits for it then."""

ALL_LIGHT = """
new Promise(resolve => {
    const light = () => [...document.images].every(image => image.complete && !image.currentSrc.includes("dark"));
    const look = () => light() ? resolve(true) : setTimeout(look, 10);
    look();
})
"""
"""Chosen anew when the page goes on paper."""


class Browser:
    """A Chromium process; ``with`` ends it."""

    def __init__(self, program: str) -> None:
        self._profile = tempfile.TemporaryDirectory(prefix="chromium-", ignore_cleanup_errors=True)
        theirs_in, self._out = os.pipe()
        self._in, theirs_out = os.pipe()
        self._process = subprocess.Popen(
            [
                *LAUNCH,
                str(theirs_in),
                str(theirs_out),
                program,
                *FLAGS,
                f"--user-data-dir={self._profile.name}",
                "about:blank",
            ],
            pass_fds=(theirs_in, theirs_out),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        os.close(theirs_in)
        os.close(theirs_out)
        self._number = 0
        self._unread = b""
        self.events: list[dict[str, Any]] = []

    def close(self) -> None:
        self._process.terminate()
        self._process.wait(PATIENCE)
        os.close(self._in)
        os.close(self._out)
        self._profile.cleanup()

    def call(self, method: str, session: str = "", **parameters: object) -> dict[str, Any]:
        """The method's result."""
        self._number += 1
        message: dict[str, Any] = {"id": self._number, "method": method, "params": parameters}
        if session:
            message["sessionId"] = session
        os.write(self._out, json.dumps(message).encode() + b"\0")
        while True:
            answer = self._next()
            if answer.get("id") == self._number:
                assert "error" not in answer, f"{method}: {answer['error']}"
                return dict(answer["result"])
            self.events.append(answer)

    def wait_for(self, event: str, session: str) -> None:
        while not any(one.get("method") == event and one.get("sessionId") == session for one in self.events):
            self.events.append(self._next())

    def _next(self) -> dict[str, Any]:
        until = time.monotonic() + PATIENCE
        while b"\0" not in self._unread:
            readable, _, _ = select.select([self._in], [], [], max(0, until - time.monotonic()))
            part = os.read(self._in, 1 << 20) if readable else b""
            assert part, "Chromium says nothing"
            self._unread += part
        message, _, self._unread = self._unread.partition(b"\0")
        return dict(json.loads(message))


class Tab:
    """A page as it is shown on a screen: ``width`` and ``height`` in the page's pixels, ``scale`` the screen's of each."""

    def __init__(
        self,
        browser: Browser,
        width: int = 1000,
        height: int = 800,
        scale: float = 1,
        dark: bool = False,
        phone: bool = False,
    ) -> None:
        self._browser = browser
        self._width = width
        target = browser.call("Target.createTarget", url="about:blank")["targetId"]
        self._session = browser.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.call(f"{domain}.enable")
        self.call("Network.setCacheDisabled", cacheDisabled=True)
        self.call(
            "Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=scale, mobile=phone
        )
        theme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self.call("Emulation.setEmulatedMedia", features=[theme])

    def call(self, method: str, **parameters: object) -> dict[str, Any]:
        return self._browser.call(method, self._session, **parameters)

    def open(self, url: str, scripts: bool = True) -> None:
        """Returns when the page and all its pictures are there."""
        self.call("Emulation.setScriptExecutionDisabled", value=not scripts)
        self._browser.events.clear()
        assert not self.call("Page.navigate", url=url).get("errorText")
        self.wait()
        if scripts:
            self.evaluate(LOADED)

    def wait(self) -> None:
        """Returns when the page that is on its way is loaded."""
        self._browser.wait_for("Page.loadEventFired", self._session)

    def evaluate(self, expression: str) -> Any:
        result = self.call("Runtime.evaluate", expression=expression, awaitPromise=True, returnByValue=True)
        assert "exceptionDetails" not in result, result["exceptionDetails"]
        return result["result"].get("value")

    def said(self) -> list[str]:
        """What the page has written to the console, and what the browser has complained of."""
        complaints = {"Runtime.consoleAPICalled", "Runtime.exceptionThrown", "Log.entryAdded"}
        return [json.dumps(one["params"]) for one in self._browser.events if one.get("method") in complaints]

    def drag(self, start: tuple[float, float], end: tuple[float, float]) -> None:
        """With the mouse, in steps, to another page."""
        self._browser.events.clear()
        middle = ((start[0] + end[0]) / 2, (start[1] + end[1]) / 2)
        for kind, (x, y) in (
            ("mousePressed", start),
            ("mouseMoved", middle),
            ("mouseMoved", end),
            ("mouseReleased", end),
        ):
            self.call("Input.dispatchMouseEvent", type=kind, x=x, y=y, button="left", buttons=1, clickCount=1)

    def follow(self) -> None:
        """Opens the link that has the focus, by the keyboard."""
        self._browser.events.clear()
        key = {"key": "Enter", "code": "Enter", "windowsVirtualKeyCode": 13}
        for kind, more in (("keyDown", {"text": "\r"}), ("keyUp", {})):
            self.call("Input.dispatchKeyEvent", type=kind, **key, **more)

    def tabulate(self) -> None:
        """Moves the focus on, by the keyboard."""
        for kind in ("rawKeyDown", "keyUp"):
            self.call("Input.dispatchKeyEvent", type=kind, key="Tab", code="Tab", windowsVirtualKeyCode=9)

    def picture(self, path: Path, height: int = 0) -> bytes:
        """Saves a PNG of the page, from its top to ``height``; 0 is its end."""
        height = height or self.evaluate("document.documentElement.scrollHeight")
        area = {"x": 0, "y": 0, "width": self._width, "height": height, "scale": 1}
        taken = self.call("Page.captureScreenshot", format="png", captureBeyondViewport=True, clip=area)
        content = base64.b64decode(taken["data"])
        path.write_bytes(content)
        return content

    def printed(self) -> bytes:
        """The page as PDF."""
        return base64.b64decode(self.call("Page.printToPDF", printBackground=False)["data"])
