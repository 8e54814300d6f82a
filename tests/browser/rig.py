"""A real JupyterLab, and Notebook 7, in a real headless Chromium, over loopback and nothing else."""

from __future__ import annotations

import ast
import contextlib
import json
import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path
from urllib.parse import urlsplit

import nbformat
from jupyter_client import BlockingKernelClient
from playwright.sync_api import sync_playwright

TESTS = Path(__file__).parent.parent
CHROMIUM = os.environ.get("RUNFLOW_TEST_CHROMIUM") or shutil.which("chromium") or "/usr/bin/chromium"
CHROMIUM_ARGUMENTS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    # A camera that films a moving pattern, and may be used without asking.
    "--use-fake-device-for-media-stream",
    "--use-fake-ui-for-media-stream",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    # Whatever else a page asks for fails at once instead of hanging until a limit.
    "--host-resolver-rules=MAP * ~NOTFOUND , EXCLUDE 127.0.0.1 , EXCLUDE localhost",
]
SETTINGS = {
    "@jupyterlab/apputils-extension/notification": {
        "fetchNews": "false",
        "checkForUpdates": False,
        "doNotDisturbMode": True,
    },
    "@jupyterlab/docmanager-extension/plugin": {"autosave": False},
}
# Finds the notebook in the page, whichever of the two front ends it is.
FIND_PANEL = """() => {
  const app = window.jupyterapp;
  const shown = app ? [app.shell.currentWidget, ...app.shell.widgets("main")] : [];
  const panel = shown.find((widget) => widget?.content && widget.sessionContext);
  if (!panel || !panel.content.widgets || !panel.sessionContext.isReady || !panel.context.isReady) return false;
  window.panel = panel;
  const kernel = panel.sessionContext.session?.kernel;
  return kernel?.connectionStatus === "connected" && kernel.status === "idle";
}"""

# Makes half the messages between a page and its server late, by up to so many milliseconds; their order stays.
LATE = """(most) => {
  const wait = () => new Promise((done) => setTimeout(done, Math.random() < 0.5 ? 0 : Math.random() * most));
  window.WebSocket = class extends WebSocket {
    came = Promise.resolve();
    gone = Promise.resolve();
    get onmessage() { return super.onmessage; }
    set onmessage(hear) {
      const late = hear && ((event) => {
        this.came = this.came.then(wait).then(() => super.onmessage === late && hear.call(this, event));
      });
      super.onmessage = late;
    }
    send(data) {
      const kept = data instanceof ArrayBuffer ? data.slice() : data;
      this.gone = this.gone.then(wait).then(() => this.readyState === WebSocket.OPEN && super.send(kept));
    }
  };
}"""
LAG_MS = int(os.environ.get("RUNFLOW_TEST_LAG", "0"))


# What Notebook 7 itself throws while it starts, with no widget on the page.
STARTS = ("reading 'schema'", "is not registered", "not yet registered", "registered.")
# What JupyterLab itself throws when a kernel is restarted before it has answered about its threads.
RESTARTS = ("Canceled future for create_subshell_request",)
NOISE = (*STARTS, *RESTARTS)


def is_noise(fault: str) -> bool:
    return any(known in fault for known in NOISE)


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as found:
        return found.getsockname()[1]


class JupyterServer:
    """One isolated server for both front ends, with folders of its own."""

    def __init__(self, root: Path):
        self.root = root
        self.folder = Path(tempfile.mkdtemp(prefix="runflow-jupyter-"))
        self.token = secrets.token_hex(16)
        self.port = free_port()

    def __enter__(self):
        for plugin, values in SETTINGS.items():
            path = self.folder / "settings" / f"{plugin}.jupyterlab-settings"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(json.dumps(values))
        paths = [str(TESTS / "kernels"), str(TESTS / "engine"), *filter(None, [os.environ.get("PYTHONPATH")])]
        environment = {
            **os.environ,
            "JUPYTER_CONFIG_DIR": str(self.folder / "config"),
            "JUPYTER_DATA_DIR": str(self.folder / "data"),
            "JUPYTER_RUNTIME_DIR": str(self.folder / "runtime"),
            "JUPYTERLAB_SETTINGS_DIR": str(self.folder / "settings"),
            "JUPYTERLAB_WORKSPACES_DIR": str(self.folder / "workspaces"),
            "IPYTHONDIR": str(self.folder / "ipython"),
            "JUPYTER_PLATFORM_DIRS": "1",
            "PYTHONPATH": os.pathsep.join(paths),
            "RUNFLOW_HOME": str(self.folder / "runflow"),
        }
        command = [
            sys.executable, "-m", "jupyterlab", "--no-browser", "--allow-root",
            "--ServerApp.ip=127.0.0.1", f"--ServerApp.port={self.port}", "--ServerApp.port_retries=0",
            f"--ServerApp.root_dir={self.root}", f"--IdentityProvider.token={self.token}",
            "--ServerApp.terminals_enabled=False", "--LabApp.expose_app_in_browser=True",
            "--JupyterNotebookApp.expose_app_in_browser=True", "--LabApp.extension_manager=readonly",
            "--LabApp.news_url=None", "--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate",
        ]  # fmt: skip
        self.log = (self.folder / "server.log").open("wb")
        self.process = subprocess.Popen(
            command, env=environment, stdout=self.log, stderr=subprocess.STDOUT, cwd=self.root, start_new_session=True
        )
        deadline = time.monotonic() + 90
        while True:
            with contextlib.suppress(OSError):
                self.ask("/api/status")
                return self
            assert self.process.poll() is None, (self.folder / "server.log").read_text()
            assert time.monotonic() < deadline, (self.folder / "server.log").read_text()
            time.sleep(0.05)

    def __exit__(self, *_):
        with contextlib.suppress(OSError):
            for kernel in self.ask("/api/kernels"):
                self.ask(f"/api/kernels/{kernel['id']}", "DELETE")
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(15)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait(5)
        self.log.close()
        shutil.rmtree(self.folder, ignore_errors=True)

    def ask(self, path: str, method: str = "GET", body: dict | None = None):
        request = urllib.request.Request(
            f"http://127.0.0.1:{self.port}{path}",
            data=None if body is None else json.dumps(body).encode(),
            method=method,
            headers={"Authorization": f"token {self.token}"},
        )
        with urllib.request.urlopen(request, timeout=10) as answer:
            data = answer.read()
        return json.loads(data) if data else None


class Browser:
    """One Chromium; it remembers every request that was not for this machine."""

    def __init__(self):
        self.strayed: list[str] = []

    def __enter__(self):
        self._playwright = sync_playwright().start()
        self._browser = self._playwright.chromium.launch(executable_path=CHROMIUM, args=CHROMIUM_ARGUMENTS)
        return self

    def __exit__(self, *_):
        self._browser.close()
        self._playwright.stop()

    def page(
        self, *, colour_scheme: str = "light", width: int = 1100, height: int = 800, ratio: float = 1, touch=False
    ):
        context = self._browser.new_context(
            viewport={"width": width, "height": height},
            color_scheme=colour_scheme,
            device_scale_factor=ratio,
            has_touch=touch,
        )
        page = context.new_page()
        if LAG_MS:
            page.add_init_script(f"({LATE})({LAG_MS})")
        page.faults = []
        page.on("pageerror", lambda error: page.faults.append(str(error)) if not is_noise(str(error)) else None)
        page.on("request", self._note)
        return page

    def _note(self, request):
        parts = urlsplit(request.url)
        if parts.scheme in ("http", "https", "ws", "wss") and parts.hostname not in ("127.0.0.1", "localhost"):
            self.strayed.append(request.url)


class Notebook:
    """A notebook that is open in a page: cells of code, or a whole notebook with its text."""

    def __init__(
        self, page, server: JupyterServer, name: str, cells: list[str] | nbformat.NotebookNode, *, kind: str, dark=False
    ):
        self.page, self.server = page, server
        whole = isinstance(cells, nbformat.NotebookNode)
        notebook = cells if whole else nbformat.v4.new_notebook()
        notebook.metadata["kernelspec"] = {"name": "python3", "display_name": "Python 3", "language": "python"}
        if not whole:
            notebook.cells = [nbformat.v4.new_code_cell(cell) for cell in cells]
        nbformat.write(notebook, server.root / name)
        prefix = {"lab": "/doc/tree/", "notebook": "/notebooks/"}[kind]
        self.address = f"http://127.0.0.1:{server.port}{prefix}{name}?token={server.token}"
        if page.url == "about:blank":
            page.goto(self.address, wait_until="commit")
        else:
            page.evaluate("(path) => { jupyterapp.commands.execute('docmanager:open', { path }); }", name)
        page.wait_for_function(FIND_PANEL, timeout=90_000)
        # Always set: the front end keeps the theme of the test before.
        theme, light = ("JupyterLab Dark", "false") if dark else ("JupyterLab Light", "true")
        page.evaluate("([theme]) => jupyterapp.commands.execute('apputils:change-theme', {theme})", [theme])
        page.wait_for_function("([light]) => document.body.dataset.jpThemeLight === light", arg=[light])
        self._client = None

    def run_all(self) -> None:
        self.page.evaluate("() => jupyterapp.commands.execute('notebook:run-all-cells')")
        faults = [output for cell in self.outputs() for output in cell if output["output_type"] == "error"]
        assert not faults, faults

    def outputs(self) -> list[list[dict]]:
        return self.page.evaluate("() => panel.content.widgets.map((cell) => cell.model.outputs?.toJSON() ?? [])")

    def save(self) -> None:
        self.page.evaluate("() => jupyterapp.commands.execute('docmanager:save')")
        self.page.wait_for_function("() => !panel.model.dirty")

    def ask(self, expression: str):
        """The value of an expression in the kernel, without touching the page."""
        if self._client is None:
            kernel_id = self.page.evaluate("() => panel.sessionContext.session.kernel.id")
            path = self.server.folder / "runtime" / f"kernel-{kernel_id}.json"
            self._client = BlockingKernelClient(connection_file=str(path))
            self._client.load_connection_file()
            # Only this one: the page has already seen the kernel ready.
            self._client.start_channels(shell=True, iopub=False, stdin=False, hb=False, control=False)
        code = f"__import__('json').dumps({expression}, default=str)"
        message_id = self._client.execute("", silent=True, user_expressions={"value": code})
        while True:
            reply = self._client.get_shell_msg(timeout=60)
            if reply["parent_header"].get("msg_id") == message_id:
                answer = reply["content"]["user_expressions"]["value"]
                assert answer["status"] == "ok", answer
                return json.loads(ast.literal_eval(answer["data"]["text/plain"]))

    def until(self, expression: str, timeout_s: float = 30) -> None:
        """Wait until something is true in the kernel; what cannot be asked yet, such as a missing key, is not."""
        deadline, problem = time.monotonic() + timeout_s, ""
        while True:
            try:
                if self.ask(expression):
                    return
            except AssertionError as error:
                problem = f": {error}"
            assert time.monotonic() < deadline, f"{expression} never became true{problem}"
            time.sleep(0.05)

    def reload(self) -> None:
        """Load the page anew, with the notebook as it was saved; the kernel goes on."""
        self.page.goto("about:blank")
        self.page.goto(self.address, wait_until="commit")
        self.page.wait_for_function(FIND_PANEL, timeout=90_000)

    def restart(self) -> None:
        """Restart the kernel: all that was in its memory is gone."""
        self.page.evaluate("() => panel.sessionContext.session.kernel.restart()")
        self.forget_kernel()

    def forget_kernel(self) -> None:
        """Ask anew which kernel there is: after a restart it listens elsewhere."""
        if self._client is not None:
            self._client.stop_channels()
            self._client = None

    def close(self) -> None:
        self.forget_kernel()
        self.page.context.close()
