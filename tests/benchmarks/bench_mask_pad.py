"""The mask pad in a real JupyterLab, beside a brush drawn by ipycanvas alone: lag, messages, bytes, first paint.

Both are drawn on by the same pointer events, sent on schedule, over a line that is as slow as a remote kernel's. The
lag is the time from a pointer event in the page to the first frame in which the pixel under it has changed.
"""

from __future__ import annotations

import statistics
import sys
import tempfile
import time
from pathlib import Path
from types import SimpleNamespace

sys.path.insert(0, str(Path(__file__).parent.parent / "browser"))
sys.path.insert(0, str(Path(__file__).parent))

import numpy as np
from figures import Figures, percentiles
from rig import Browser, JupyterServer, Notebook
from slow_line import SlowLine

from runflow_widgets.painting import Sheet, spans

PAD = """
import runflow_widgets as rf
pad = rf.MaskPad(rf.samples.load('picnic'))
pad
"""
PLAIN = """
import numpy as np
from ipycanvas import Canvas, hold_canvas
import runflow_widgets as rf
canvas = Canvas(width=720, height=540, layout={'width': '720px', 'height': '540px'})
canvas.add_class('plain-brush')
canvas.line_width, canvas.line_cap, canvas.stroke_style = 24, 'round', '#ff2d87'
last, heard = [], [0]
def down(x, y):
    last[:] = [(x, y)]
def move(x, y):
    heard[0] += 1
    if last:
        canvas.stroke_line(*last[0], x, y)
        last[:] = [(x, y)]
canvas.on_mouse_down(down); canvas.on_mouse_move(move); canvas.on_mouse_up(lambda x, y: last.clear())
canvas
"""
BUSY = "import time\nuntil = time.monotonic() + 6\nwhile time.monotonic() < until: pass"
# Watches each pointer event until the pixel under it has changed, looking once per frame.
WATCH = """([selector, canvases]) => {
  const layer = document.querySelector(selector);
  const seen = { lags: [], waiting: [], sent: 0, frames: 0 };
  window.seen = seen;
  const pixel = (x, y) => canvases.map((one) => {
    const canvas = document.querySelector(one);
    const box = canvas.getBoundingClientRect();
    const [px, py] = [(x - box.left) / box.width * canvas.width, (y - box.top) / box.height * canvas.height];
    return [...canvas.getContext('2d').getImageData(px, py, 1, 1).data].join();
  }).join(';');
  layer.addEventListener('pointermove', (event) => {
    if (!event.buttons) return;
    const { clientX: x, clientY: y } = event;
    // Read ahead of the pad's own listener, for which this one is on the way down.
    seen.waiting.push({ x, y, at: performance.now(), before: pixel(x, y) });
  }, { capture: true });
  const look = () => {
    seen.frames += 1;
    seen.waiting = seen.waiting.filter((one) => {
      if (pixel(one.x, one.y) === one.before) return true;
      seen.lags.push(performance.now() - one.at);
      return false;
    });
    requestAnimationFrame(look);
  };
  requestAnimationFrame(look);
  const kernel = panel.sessionContext.session.kernel;
  kernel.anyMessage.connect((_, { msg, direction }) => {
    if (direction === 'send' && msg.header.msg_type === 'comm_msg') seen.sent += 1;
  });
}"""


def main() -> None:
    """Print all tables."""
    kernel_time()
    with JupyterServer(Path(tempfile.mkdtemp(prefix="runflow-bench-"))) as server, Browser() as browser:
        lags = Figures("pad_lag", "Mask pad: milliseconds from the pointer to paint, 120 events in 2 s")
        for round_trip_ms, busy in ((0, False), (50, False), (150, False), (50, True)):
            for name, cell, selector, canvases in (
                ("mask pad", PAD, ".rfw-ink-layer", [".rfw-ink-canvas", "canvas.rfw-pad-mask"]),
                ("ipycanvas", PLAIN, "canvas.plain-brush", ["canvas.plain-brush"]),
            ):
                figures = lag(server, browser, cell, selector, canvases, round_trip_ms / 1e3, busy=busy)
                lags.add(f"{name}, {round_trip_ms} ms round trip{', busy cell' if busy else ''}", **figures)
        lags.tell()
        paints = Figures("pad_first_paint", "Mask pad: from running the cell to the photo on the page")
        for width, height in ((1155, 866), (4000, 3000), (8000, 6000)):
            paints.add(f"{width * height / 1e6:.0f} MP", **first_paint(server, browser, width, height))
        paints.tell()


def kernel_time() -> None:
    """What a stroke of 180 points costs the kernel, by the size of the photo."""
    table = Figures("pad_kernel", "Mask pad: kernel time for a stroke of 180 points across the photo, median of 9")
    for width, height in ((1155, 866), (4000, 3000), (8000, 6000)):
        sheet = Sheet((width, height))
        turn = np.linspace(0, 6, 180)
        x, y = width * (0.5 + 0.4 * np.cos(turn)), height * (0.5 + 0.4 * np.sin(1.3 * turn))
        points = np.stack([x, y, np.full(180, width / 80)], 1)
        took = []
        for _ in range(9):
            began = time.perf_counter()
            sheet.paint(spans.stroke(points, sheet.size))
            took.append(time.perf_counter() - began)
            sheet.undo()
        table.add(f"{width * height / 1e6:.0f} MP", ms=1e3 * statistics.median(took))
    table.tell()


def lag(server, browser, cell, selector, canvases, round_trip_s, *, busy) -> dict[str, float]:
    """Draw one stroke and tell how far the paint was behind."""
    with SlowLine(server.port, round_trip_s) as line:
        notebook = opened(server, browser, line, [cell, BUSY])
        page = notebook.page
        page.evaluate("() => jupyterapp.commands.execute('notebook:run-cell')")
        page.wait_for_selector(selector)
        page.wait_for_timeout(1500)
        page.locator(selector).scroll_into_view_if_needed()
        page.evaluate(WATCH, [selector, canvases])
        box = page.locator(selector).bounding_box()
        if busy:
            page.evaluate(
                "() => { panel.content.activeCellIndex = 1; jupyterapp.commands.execute('notebook:run-cell'); }"
            )
            page.wait_for_function("() => panel.sessionContext.session.kernel.status === 'busy'")
            box = page.locator(selector).bounding_box()
        scribble(page, box)
        page.wait_for_timeout(2500)
        seen = page.evaluate("() => ({ lags: seen.lags, waiting: seen.waiting.length, sent: seen.sent })")
        notebook.close()
    lags = seen["lags"] or [float("nan")]
    return {**percentiles(lags), "at_most": max(lags), "painted": len(seen["lags"]), "messages": seen["sent"]}


def scribble(page, box) -> None:
    """One stroke along new ground only, so that each event has a pixel to change."""
    devtools = page.context.new_cdp_session(page)
    left, top = box["x"] + 30, max(box["y"], 60) + 20
    send = lambda kind, x, y, buttons: devtools.send(  # noqa: E731
        "Input.dispatchMouseEvent",
        {
            "type": kind,
            "x": x,
            "y": y,
            "button": "left" if kind != "mouseMoved" else "none",
            "buttons": buttons,
            "clickCount": 1,
        },
    )
    send("mouseMoved", left, top, 0)
    send("mousePressed", left, top, 1)
    began = time.monotonic()
    for step in range(1, 121):
        row, column = divmod(step, 20)
        x = left + (column if row % 2 == 0 else 19 - column) * 33
        send("mouseMoved", x, top + row * 70, 1)
        time.sleep(max(0.0, began + step / 60 - time.monotonic()))
    send("mouseReleased", x, top + row * 70, 0)


def first_paint(server, browser, width, height) -> dict[str, float]:
    """Make a pad and wait until its canvas shows the photo."""
    cell = f"import runflow_widgets as rf\nphoto = rf.samples.load('picnic').resize(({width}, {height}))\nrf.MaskPad"
    with SlowLine(server.port, 0) as line:
        notebook = opened(server, browser, line, [cell, "pad = rf.MaskPad(photo)\npad"])
        page = notebook.page
        page.evaluate("() => jupyterapp.commands.execute('notebook:run-cell')")
        page.wait_for_timeout(500)
        before, began = line.received_bytes, time.monotonic()
        page.evaluate("() => { panel.content.activeCellIndex = 1; jupyterapp.commands.execute('notebook:run-cell'); }")
        page.wait_for_function(
            "() => { const desk = document.querySelector('.rfw-ink')?.rfwDesk; return desk?.root && !desk.awaited; }"
        )
        took = time.monotonic() - began
        page.wait_for_timeout(500)
        received = line.received_bytes - before
        notebook.close()
    return {"s": took, "kB": received / 1e3}


def opened(server, browser, line, cells) -> Notebook:
    """A notebook whose page talks to the server over the slow line."""
    through = SimpleNamespace(root=server.root, port=line.port, token=server.token, folder=server.folder)
    return Notebook(browser.page(height=900), through, f"bench-{time.monotonic_ns()}.ipynb", cells, kind="lab")


if __name__ == "__main__":
    main()
