"""What waits for the next test: a page in which JupyterLab has started, and a kernel."""

from __future__ import annotations

import contextlib
import urllib.error
from concurrent.futures import ThreadPoolExecutor

from rig import Browser, JupyterServer

# Closes the notebook, and says what a test has left in the page besides it.
LEAVE = """async () => {
  const panel = window.panel;
  if (!panel || panel.isDisposed) return ["a page that was loaded anew"];
  const dialogs = document.querySelectorAll(".jp-Dialog, .lm-Menu").length;
  const full = document.fullscreenElement !== null;
  document.activeElement?.blur();
  delete window.panel;
  panel.dispose();
  // What ends with a widget may end a little later.
  await new Promise((done) => requestAnimationFrame(() => setTimeout(done)));
  const stored = Object.keys({ ...localStorage, ...sessionStorage });
  const found = {
    "a dialog or a menu": dialogs > 0,
    "the full screen": full,
    "another notebook": [...jupyterapp.shell.widgets("main")].some((widget) => widget.sessionContext),
    "a part of a widget": document.querySelector("[class*='rfw-']") !== null,
    "something in its storage": stored.some((key) => !key.startsWith("@jupyterlab/")),
  };
  return Object.keys(found).filter((name) => found[name]);
}"""


class Pages:
    """Hands out pages, and takes back those that a test has left as it found them."""

    def __init__(self, browser: Browser):
        self._browser = browser
        self._kept = {}

    def take(self, *, kind: str, dark: bool, width: int = 1100, height: int = 800, ratio: float = 1, touch=False):
        """A new page, or one that shows JupyterLab without a notebook."""
        colours = "dark" if dark else "light"
        sort = (kind, ratio, touch)
        page = self._kept.pop(sort, None)
        if page is None:
            page = self._browser.page(colour_scheme=colours, width=width, height=height, ratio=ratio, touch=touch)
            page.sort = sort
            return page
        page.set_viewport_size({"width": width, "height": height})
        page.emulate_media(color_scheme=colours, reduced_motion="no-preference", media="null", forced_colors="none")
        page.faults.clear()
        return page

    def give_back(self, page) -> None:
        """Keep a page for the next test. Notebook 7 shows one notebook in a page, and no other after it."""
        for key in ("Shift", "Control", "Alt", "Meta"):
            page.keyboard.up(key)
        left = ["Notebook 7"] if page.sort[0] != "lab" else page.evaluate(LEAVE)
        if left or page.sort in self._kept or len(page.context.pages) != 1:
            page.context.close()
            return
        page.mouse.move(0, 0)
        page.context.clear_permissions()
        self._kept[page.sort] = page


class Kernels:
    """Starts the kernel of the next test while one runs, and ends those of tests that are over."""

    def __init__(self, server: JupyterServer):
        self._server = server
        self._threads = ThreadPoolExecutor(2)
        self._next = self._threads.submit(self._start)

    def close(self) -> None:
        self._threads.shutdown()

    def give(self, name: str) -> None:
        """Let the notebook of this name find a kernel of its own when it is opened."""
        kernel = self._next.result()
        session = {"path": name, "name": name, "type": "notebook", "kernel": {"id": kernel["id"]}}
        self._server.ask("/api/sessions", "POST", session)
        self._next = self._threads.submit(self._start)

    def end(self, name: str) -> None:
        self._threads.submit(self._end, name)

    def _start(self):
        return self._server.ask("/api/kernels", "POST", {"name": "python3"})

    def _end(self, name: str) -> None:
        for session in self._server.ask("/api/sessions"):
            if session["path"] == name:
                with contextlib.suppress(urllib.error.HTTPError):
                    self._server.ask(f"/api/sessions/{session['id']}", "DELETE")
