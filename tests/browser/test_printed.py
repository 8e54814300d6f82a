"""A saved notebook on paper."""

from __future__ import annotations

import base64
import io
from pathlib import Path

import nbformat
import numpy as np
import pypdfium2
import pytest
from looks import keep_page
from nbconvert import WebPDFExporter
from PIL import Image

pytestmark = [pytest.mark.browser, pytest.mark.slow]

PAIR = """
from PIL import Image
import runflow_widgets as rf
red, blue = (Image.new("RGB", (600, 400), colour) for colour in ((200, 30, 30), (30, 30, 200)))
rf.compare(red, blue, labels=["Red", "Blue"])
"""
#: Pixels for each point, of which 72 make an inch: sharp enough to read the labels.
SCALE = 3


class Printer(WebPDFExporter):
    """nbconvert asks playwright for a browser of its own; here the one that is there prints the same page."""

    def __init__(self, browser, folder: Path):
        super().__init__()
        self._browser, self._path = browser, folder / "page.html"

    def run_playwright(self, html: str) -> bytes:
        self._path.write_text(html, encoding="utf-8")
        page = self._browser.page()
        page.emulate_media(media="print")
        page.goto(self._path.as_uri(), wait_until="networkidle")
        data = page.pdf(print_background=True)
        page.context.close()
        return data


def test_a_pdf_of_a_saved_notebook_shows_a_comparison_side_by_side_with_its_labels(notebook, server, browser, tmp_path):
    page = notebook([PAIR])
    page.run_all()
    page.page.locator(".rfw-cmp[data-drawn=yes]").wait_for()
    page.save()
    saved = nbformat.read(server.root / page.page.evaluate("() => panel.context.path"), as_version=4)
    still = Image.open(io.BytesIO(base64.b64decode(saved.cells[0].outputs[0].data["image/png"]))).convert("RGB")

    data, _ = Printer(browser, tmp_path).from_notebook_node(saved)
    # What the exporter's own page would fetch from elsewhere was refused, and the picture did not need it.
    browser.strayed.clear()

    with pypdfium2.PdfDocument(data) as paper:
        (sheet,) = paper
        (picture,) = sheet.get_objects(filter=[pypdfium2.raw.FPDF_PAGEOBJ_IMAGE])
        left, bottom, right, top = picture.get_bounds()
        size_px = picture.get_px_size()
        seen = sheet.render(scale=SCALE).to_pil().convert("RGB")
        width, height = sheet.get_size()
    keep_page(seen, "compare-printed")
    assert size_px == still.size
    assert ((right - left) / (top - bottom)) == pytest.approx(still.width / still.height, rel=0.01)
    assert right - left > 0.6 * width
    box = (left, height - top, right, height - bottom)
    printed = np.asarray(seen.crop([round(edge * SCALE) for edge in box]).resize(still.size), int)
    labels = printed[:22].min(2) < 128
    for half, colour in ((np.s_[:, :420], (200, 30, 30)), (np.s_[:, -420:], (30, 30, 200))):
        assert labels[half].sum() > 50
        assert np.abs(printed[30:][half] - colour).max(2).mean() < 6
