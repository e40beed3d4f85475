"""A person before the page: the real server in a process of its own, and Debian's Chromium with a mouse and a keyboard."""

from __future__ import annotations

import contextlib
import functools
import http.server
import os
import re
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from playwright.sync_api import Browser, ConsoleMessage, Locator, Page, Request

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
    # Every name but that of this machine leads nowhere.
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
]
PATIENCE = 20.0


def reason_to_skip() -> str | None:
    """Why no browser can be driven here; None where one can."""
    if CHROMIUM is None:
        return "no chromium is on the path, so the page is not opened in a browser"
    try:
        import playwright.sync_api  # noqa: F401
    except ImportError:
        return "playwright is not installed, so the page is not opened in a browser"
    return None


@contextlib.contextmanager
def served(folder: Path, *words: str) -> Iterator[str]:
    """The address of `latentdo serve`, which runs in a folder until the end."""
    command = [sys.executable, "-m", "latentdo", "serve", *words, "--port", "0", "--no-browser"]
    own = {**os.environ, "TMPDIR": str(folder)}  # where sessions are kept, and an earlier one would be found
    with subprocess.Popen(command, cwd=folder, env=own, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            found = re.search(r"http://\S+", process.stdout.readline())
            assert found, "the server says no address"
            yield found.group()
        finally:
            process.terminate()


class _Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        pass


@contextlib.contextmanager
def files_served(folder: Path) -> Iterator[str]:
    """The address of a folder of files, served by what comes with Python until the end."""
    handler = functools.partial(_Quiet, directory=str(folder))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}/"
        finally:
            server.shutdown()
            thread.join()


@contextlib.contextmanager
def chromium() -> Iterator[Browser]:
    """A browser without a window."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        try:
            yield browser
        finally:
            browser.close()


class Visit:
    """The page in one tab, what went wrong in it, and whom it called.

    Scripts are only ever run to look at the page's state and to wait, never to do what a person does.
    """

    def __init__(self, page: Page, address: str, *, fragment: str = "") -> None:
        self.page = page
        self.address = address
        self.faults: list[str] = []
        self.strangers: list[str] = []
        page.on("console", self._hear)
        page.on("pageerror", lambda error: self.faults.append(str(error)))
        page.on("request", self._see)
        page.set_default_timeout(1000 * PATIENCE)
        page.goto(address + fragment)
        self.settle()

    def _hear(self, message: ConsoleMessage) -> None:
        # A reply that refuses is told by the page; the browser notes its status too.
        if message.type == "error" and "Failed to load resource" not in message.text:
            self.faults.append(message.text)

    def _see(self, request: Request) -> None:
        if not request.url.startswith((self.address, "data:", "blob:")):
            self.strangers.append(request.url)

    # --- waiting and looking

    def state(self, key: str) -> Any:
        """A part of the page's state."""
        return self.page.evaluate("(key) => window.latentdo.store.state[key]", key)

    def until(self, holds: str, argument: object = None, patience: float = PATIENCE) -> Any:
        """Wait until a script gives something that is true; what it gives."""
        # Not with `wait_for_function`: that makes code from text in the page, which the page forbids.
        end = time.monotonic() + patience
        while not (found := self.page.evaluate(holds, argument)):
            assert time.monotonic() < end, f"not within {patience:g} s: {holds} {argument or ''}\n{self.said()}"
            time.sleep(0.01)
        return found

    def settle(self) -> None:
        """Wait until every stroke is in the text, and nothing that stands on the page is older than it."""
        self.until(
            """async () => {
                const store = window.latentdo?.store;
                await store?.strokes;
                return store && store.state.reading && !store.state.behind && !store.state.loading;
            }"""
        )

    def said(self, selector: str = "body") -> str:
        """What stands in a part of the page, as people see it."""
        return self.page.inner_text(selector)

    @property
    def verdict(self) -> str:
        """`yes`, `no`, `fault` or `open`."""
        self.settle()
        return self.page.get_attribute("#answer .verdict", "data-verdict") or ""

    @property
    def text(self) -> str:
        """The text of the document."""
        self.settle()
        return self.state("text")

    # --- doing

    def open(self, text: str, *questions: str) -> None:
        """Start anew with a text and questions, as a link does."""
        self.page.evaluate("([text, questions]) => window.latentdo.store.open({ text, questions })", [text, questions])
        self.settle()

    def draw_node(self, name: str, x: float, y: float) -> None:
        """Double-click at a place in the drawing, in shares of its width and height, and type a name."""
        box = self.page.locator(".board").bounding_box()
        assert box is not None
        self.page.mouse.dblclick(box["x"] + x * box["width"], box["y"] + y * box["height"])
        self.page.locator(".naming").fill(name)
        self.page.keyboard.press("Enter")
        self.page.locator(".naming").wait_for(state="detached")
        self.settle()

    def type_node(self, name: str) -> None:
        """Make a node by the keyboard alone, once the drawing has the focus."""
        self.page.keyboard.press("n")
        self.page.locator(".naming:focus").wait_for()
        self.page.keyboard.type(name)
        self.page.keyboard.press("Enter")
        self.page.locator(".naming").wait_for(state="detached")
        self.settle()

    def place(self, name: str) -> tuple[float, float, float]:
        """Where a node's middle is on the screen, and how far its rim is to the right."""
        return tuple(
            self.page.evaluate(
                """(name) => {
                    const { drawing } = window.latentdo;
                    const node = drawing.node(name);
                    const { left, top } = drawing.cy.container().getBoundingClientRect();
                    const { x, y } = node.renderedPosition();
                    return [left + x, top + y, node.renderedOuterWidth() / 2];
                }""",
                name,
            )
        )

    def draw_edge(self, tail: str, head: str, *, modifier: str | None = None) -> None:
        """Drag from a node's rim to another node, with a key held down if one is named."""
        mouse, keys = self.page.mouse, self.page.keyboard
        x, y, half = self.place(tail)
        to_x, to_y, _ = self.place(head)
        mouse.move(x + half - 2, y)
        if modifier:
            keys.down(modifier)
        mouse.down()
        mouse.move((x + to_x) / 2, (y + to_y) / 2, steps=3)
        mouse.move(to_x, to_y, steps=3)
        mouse.up()
        if modifier:
            keys.up(modifier)
        self.settle()

    def choose(self, name: str, action: str) -> None:
        """Click a node and press a button of what can be done with it."""
        x, y, _ = self.place(name)
        self.page.mouse.click(x, y)
        self.press(action, inside=".chosen")

    def walk_to(self, name: str) -> None:
        """Go to a node of the drawing with Page Down."""
        for _ in range(50):
            self.page.keyboard.press("PageDown")
            if self.state("selection")["nodes"] == [name]:
                return
        raise AssertionError(f"no way to {name}")

    def ask(self, question: str) -> None:
        """Type a question."""
        self.page.fill("#question-text", question)
        self.page.keyboard.press("Escape")
        self.settle()

    def press(self, name: str, inside: str = "body") -> None:
        """Press a button by its name."""
        self.page.locator(inside).get_by_role("button", name=name).first.click()
        self.settle()

    def download(self, kind: str, folder: Path) -> Path:
        """Take a file away into a folder, under the name that the server gives it."""
        with self.page.expect_download() as coming:
            self.page.click(f'[data-download="{kind}"]')
        path = folder / coming.value.suggested_filename
        coming.value.save_as(path)
        return path

    def unfold(self, name: str) -> Locator:
        """Open a part that is folded away, and wait for what it says."""
        fold = self.page.locator(f'details[data-fold="{name}"]')
        if fold.get_attribute("open") is None:
            fold.locator("summary").first.click()
        self.until(
            """(name) => {
                const body = document.querySelector(`details[data-fold="${name}"] .folded-body`);
                return body && body.childElementCount > 0 && !body.hasAttribute("aria-busy") && !body.hasAttribute("data-behind");
            }""",
            name,
        )
        return fold

    def fold(self, name: str) -> None:
        """Fold a part away again."""
        self.page.locator(f'details[data-fold="{name}"] > summary').first.click()

    def scroll_to(self, selector: str) -> None:
        """Bring a part of the page to the top of its pane."""
        self.page.evaluate(
            "(selector) => document.querySelector(selector).scrollIntoView({ block: 'start' })", selector
        )

    def leave(self) -> None:
        """Close the tab, after which nothing may have gone wrong and nobody else may have been called."""
        self.page.close()
        assert not self.faults, self.faults
        assert not self.strangers, self.strangers
