"""Take the README's pictures in a real JupyterLab, and keep them small.

    python tests/tools/take_pictures.py [-o notebooks/pictures] [--only studio]

Every picture shows what the cell above it in `SCENES` makes, on the pictures that come with the package; nothing is
drawn in afterwards.
"""

from __future__ import annotations

import argparse
import io
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from PIL import Image

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parent / "browser"))

from rig import Browser, JupyterServer, Notebook

FOLDER = HERE.parents[1] / "notebooks" / "pictures"
WIDTH = 1400


@dataclass(frozen=True)
class Scene:
    """One picture: the cell, what of it is shown, and what happens before."""

    cell: str
    shown: str
    ready: Callable[[Any, Notebook], None]
    width: int = WIDTH
    dark: bool = False
    #: What lies below this is left out.
    most_px: int = 10_000


def _studio(page: Any, notebook: Notebook) -> None:
    studio = page.locator(".rfw-studio")
    studio.get_by_role("button", name="Run", exact=True).click()
    studio.locator(".rfw-studio-card").nth(1).wait_for(timeout=90_000)
    studio.locator(".rfw-cmp").get_by_role("slider").first.wait_for()
    notebook.until("studio.bar.busy == ''")


def _pad(page: Any, notebook: Notebook) -> None:
    page.locator(".rfw-ink-layer").wait_for()
    notebook.until("pad.version >= 1")


def _compare(page: Any, notebook: Notebook) -> None:
    page.locator(".rfw-cmp-table").wait_for(timeout=60_000)
    page.locator(".rfw-cmp[data-drawn=yes]").wait_for()


def _form(page: Any, _: Notebook) -> None:
    page.locator(".rfw-form").get_by_role("button", name="Run", exact=True).wait_for()
    page.get_by_text("perfume.jpg").first.wait_for()


def _table(page: Any, notebook: Notebook) -> None:
    page.locator(".rfw-runs").wait_for()
    notebook.until("results.done", 90)
    page.locator(".rfw-runs img").nth(3).wait_for()


SCENES = {
    "studio": Scene(
        "import runflow_widgets as rf\nstudio = rf.studio(rf.samples.load('tagged_mug'), model='runflow/tag-removal')\n"
        "studio",
        ".rfw-studio",
        _studio,
        most_px=985,
    ),
    "pad": Scene(
        "import runflow_widgets as rf\npad = rf.MaskPad(rf.samples.load('picnic'), model='runflow/object-removal')\n"
        "pad.select_at(950, 405)\npad",
        ".rfw-pad",
        _pad,
        width=1100,
    ),
    "compare": Scene(
        "import runflow_widgets as rf\n"
        "run = rf.run('runflow/tag-removal', image=rf.samples.load('tagged_mug')).result()\nrf.compare(run)",
        ".rfw-cmp",
        _compare,
        width=1100,
    ),
    "form": Scene(
        "import runflow_widgets as rf\nrf.form('runflow/product-isolation', image_url=rf.samples.path('perfume'),\n"
        "        aspect_ratio='4:5', resolution='1K')",
        ".rfw-form",
        _form,
        width=1000,
        dark=True,
    ),
    "many": Scene(
        "import runflow_widgets as rf\npictures = [rf.samples.path(n) for n in ('perfume', 'plant', 'tagged_mug', "
        "'picnic')]\nresults = rf.map('bria/background/remove', pictures)\nresults",
        ".rfw-runs",
        _table,
        width=1000,
    ),
}


def main() -> None:
    """Take all of them, or only one."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("-o", "--folder", type=Path, default=FOLDER)
    parser.add_argument("--only", choices=sorted(SCENES))
    options = parser.parse_args()
    options.folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as root, JupyterServer(Path(root)) as server, Browser() as browser:
        for name, scene in SCENES.items():
            if options.only in (None, name):
                path = options.folder / f"{name}.webp"
                path.write_bytes(taken(browser, server, name, scene))
                print(f"{path.name}: {path.stat().st_size / 1000:.0f} kB")


def taken(browser: Browser, server: JupyterServer, name: str, scene: Scene) -> bytes:
    """One scene, cut to what is shown, as a small WebP."""
    # High enough for all of it: JupyterLab takes out of the page what is not in sight.
    page = browser.page(width=scene.width, height=1800)
    notebook = Notebook(page, server, f"{name}.ipynb", [scene.cell], kind="lab", dark=scene.dark)
    notebook.run_all()
    scene.ready(page, notebook)
    shown = page.locator(scene.shown).first
    # Nothing may hang over the picture.
    page.mouse.move(2, 2)
    page.evaluate("() => document.activeElement?.blur()")
    with Image.open(io.BytesIO(shown.screenshot())) as picture:
        buffer = io.BytesIO()
        cut = picture.convert("RGB").crop((0, 0, picture.width, min(picture.height, scene.most_px)))
        cut.save(buffer, "WEBP", quality=82, method=6)
    notebook.close()
    page.context.close()
    return buffer.getvalue()


if __name__ == "__main__":
    main()
