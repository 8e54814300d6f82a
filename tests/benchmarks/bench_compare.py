"""The compare view beside a plain slider of two PNG files: bytes on the wire, time to first paint, frames per second.

Both run in one JupyterLab in Chromium, with the same pair of pictures, one after the other. SIZES_MP=1,24 measures
only these sizes.
"""

from __future__ import annotations

import os
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent / "browser"))

from figures import Figures
from rig import Browser, JupyterServer, Notebook

SIZES_MP = tuple(float(size) for size in os.environ.get("SIZES_MP", "1,12,24,48").split(","))
ROUNDS = int(os.environ.get("ROUNDS", "3"))

#: A pair like photos: detail and sensor noise, an edit in one part, and all of it saved as JPEG once more.
PAIR = """
import io
import numpy as np
from PIL import Image
import runflow_widgets as rf

def pair(megapixels):
    width, height = round((megapixels * 1.5e6) ** 0.5), round((megapixels / 1.5e-6) ** 0.5)
    photo = np.asarray(rf.samples.load("picnic").resize((width, height)), np.float32)
    noise = np.random.default_rng(0).normal(0, 3, (height, width, 3)).astype(np.float32)
    before = Image.fromarray(np.clip(photo + noise, 0, 255).astype(np.uint8))
    after = before.copy()
    after.paste((240, 200, 60), (width // 8, height // 8, width // 3, height // 3))
    buffer = io.BytesIO()
    after.save(buffer, "JPEG", quality=92)
    return before, Image.open(buffer).convert("RGB")
"""
NAIVE = '''
import anywidget, traitlets as t

class Naive(anywidget.AnyWidget):
    """Two PNG files over one another, as most sliders have them."""

    _esm = """
    function render({ model, el }) {
      const pictures = ["before", "after"].map((name) => {
        const image = document.createElement("img");
        image.src = URL.createObjectURL(new Blob([model.get(name)], { type: "image/png" }));
        image.style.cssText = "width:900px;position:absolute;left:0;top:0";
        return image;
      });
      el.style.cssText = "position:relative;height:600px";
      el.className = "naive";
      el.append(...pictures);
      const move = (x) => { pictures[1].style.clipPath = `inset(0 0 0 ${x}px)`; };
      move(450);
      el.onpointermove = (event) => move(event.clientX - el.getBoundingClientRect().left);
      Promise.all(pictures.map((image) => image.decode())).then(() => { el.dataset.drawn = "yes"; });
    }
    export default { render };
    """
    before = t.Bytes().tag(sync=True)
    after = t.Bytes().tag(sync=True)

def png(image):
    buffer = io.BytesIO()
    image.save(buffer, "PNG", compress_level=1)
    return buffer.getvalue()
'''
#: Runs a cell and waits until what it shows is drawn and two frames have passed.
TIMED = """async ([cell, selector]) => {
  panel.content.activeCellIndex = cell;
  const began = performance.now();
  jupyterapp.commands.execute("notebook:run-cell");
  const drawn = () => panel.content.widgets[cell].node.querySelector(`${selector}[data-drawn=yes]`);
  while (!drawn()) await new Promise((done) => requestAnimationFrame(done));
  await new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)));
  return performance.now() - began;
}"""
#: Frames while the pointer goes to and fro; moves are made in the page, for a driver outside is too slow for 60.
DRAG = """async ([cell, selector]) => {
  const root = panel.content.widgets[cell].node.querySelector(selector);
  const target = root.querySelector(".rfw-cmp-divider") ?? root;
  const view = root.querySelector(".rfw-cmp-view") ?? root;
  view.scrollIntoView({ block: "center" });
  view.setPointerCapture = () => {};
  const box = view.getBoundingClientRect();
  const send = (kind, x) => target.dispatchEvent(new PointerEvent(kind, {
    bubbles: true, clientX: box.left + x, clientY: box.top + box.height / 2, buttons: 1, pointerId: 1 }));
  send("pointerdown", box.width / 2);
  const times = [];
  const began = performance.now();
  while (performance.now() - began < 3000) {
    send("pointermove", box.width * (0.5 + 0.4 * Math.sin((performance.now() - began) / 150)));
    times.push(await new Promise((done) => requestAnimationFrame(done)));
  }
  send("pointerup", box.width / 2);
  const steps = times.slice(1).map((time, index) => time - times[index]).sort((a, b) => a - b);
  const late = steps[Math.floor(steps.length * 0.95)];
  return [1000 * steps.length / (times.at(-1) - times[0]), late];
}"""


def main() -> None:
    """Print the table, and the goals with what was reached."""
    with tempfile.TemporaryDirectory() as folder, JupyterServer(Path(folder)) as server, Browser() as browser:
        rows = [(size, *measure(browser, server, size)) for size in SIZES_MP]
    table = Figures("compare", "Comparison of two pictures: ours beside two ipywidgets images with all their pixels")
    for size, ours, naive in rows:
        table.add(
            f"{size:g} MP",
            first_paint_s=ours["paint_s"],
            naive_s=naive["paint_s"],
            MB=ours["bytes"] / 1e6,
            naive_MB=naive["bytes"] / 1e6,
            percent_of_the_bytes=100 * ours["bytes"] / naive["bytes"],
            frames_a_second=round(ours["fps"]),
            frame_ms_p95=ours["late_ms"],
            naive_frames=round(naive["fps"]),
        )
    table.tell()
    if len(rows) > 1:
        print(f"first paint of the largest pair: {rows[-1][1]['paint_s'] / rows[0][1]['paint_s']:.2f} x the smallest")


def measure(browser: Browser, server: JupyterServer, megapixels: float) -> tuple[dict[str, float], dict[str, float]]:
    """The best paint of several rounds, and bytes and frames of one."""
    cells = [PAIR, NAIVE, f"before, after = pair({megapixels})"]
    cells += ["view = rf.compare(before, after)\nview"] * ROUNDS
    cells += ["Naive(before=png(before), after=png(after))"] * ROUNDS
    page = browser.page()
    received = [0]
    page.on("websocket", lambda socket: socket.on("framereceived", lambda data: count(received, data)))
    notebook = Notebook(page, server, f"bench-{megapixels:g}.ipynb", cells, kind="lab")
    for cell in range(3):
        page.evaluate("(cell) => { panel.content.activeCellIndex = cell; }", cell)
        page.evaluate("() => jupyterapp.commands.execute('notebook:run-cell')")
    found = []
    for kind, selector in enumerate((".rfw-cmp", ".naive")):
        paints, sizes = [], []
        for turn in range(ROUNDS):
            cell = 3 + kind * ROUNDS + turn
            before = received[0]
            paints.append(page.evaluate(TIMED, [cell, selector]) / 1000)
            if not kind:
                # Also what comes after the first paint: the sharper preview, and the maps of differences.
                notebook.ask("view.difference and 1")
                notebook.ask("view._work._sharper.result()")
                page.wait_for_function(
                    "(cell) => panel.content.widgets[cell].node.querySelector('.rfw-cmp-table')", arg=cell
                )
            sizes.append(received[0] - before)
        fps, late_ms = page.evaluate(DRAG, [3 + kind * ROUNDS, selector])
        found.append({"paint_s": min(paints), "bytes": min(sizes), "fps": fps, "late_ms": late_ms})
    notebook.close()
    return found[0], found[1]


def count(received: list[int], data: str | bytes) -> None:
    """Add the length of one message."""
    received[0] += len(data)


if __name__ == "__main__":
    main()
