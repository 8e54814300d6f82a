"""The panel of a run in every state that a run can be in, as a person sees it."""

from __future__ import annotations

import pytest
from looks import keep_picture

pytestmark = [pytest.mark.browser, pytest.mark.slow]

RUNS = """
import runflow_widgets as rf
import state_service
session = state_service.session()
runs = [rf.run(state_service.MODEL, prompt=prompt, session=session) for prompt in state_service.PROMPTS]
for run in runs: display(run)
"""
#: Texts that can be seen, with their colour and all the grounds below them.
TEXTS = """(root) => [...root.querySelectorAll('.rfw-run *')].flatMap((element) => {
  const own = [...element.childNodes].filter((node) => node.nodeType === 3 && node.data.trim());
  if (!own.length || !element.checkVisibility() || element.disabled) return [];
  const grounds = [];
  for (let at = element; at; at = at.parentElement) grounds.push(getComputedStyle(at).backgroundColor);
  return [[own[0].data.trim(), getComputedStyle(element).color, grounds]];
})"""


@pytest.mark.parametrize(
    ("name", "screen"), [("light", {}), ("dark", {"dark": True}), ("narrow", {"width": 480, "dark": True})]
)
def test_every_state_of_a_run_is_said_and_is_legible(notebook, name, screen):
    page = notebook([RUNS], **screen)
    page.run_all()
    cell = page.page.locator(".jp-Cell").first
    cell.locator(".rfw-run").nth(12).wait_for()
    page.until("sum(run.done for run in runs) == 10", 60)
    cell.locator(".rfw-run[data-state=failed]").nth(6).wait_for()
    page.page.set_viewport_size({"width": screen.get("width", 1000), "height": 3200})
    keep_picture(page, f"run-states-{name}")
    # What may have been paid for can be asked for again, before it is paid for once more.
    assert cell.get_by_role("button", name="Fetch the results").count() == 1
    assert cell.get_by_role("button", name="Follow it again").count() == 2

    faint = [
        (round(contrast(colour, grounds), 1), text)
        for text, colour, grounds in cell.evaluate(TEXTS)
        if contrast(colour, grounds) < 4.5
    ]
    assert faint == []
    for panel in cell.locator(".rfw-run").all():
        assert panel.evaluate("(panel) => panel.scrollWidth <= panel.clientWidth + 1")


def contrast(colour, grounds):
    """How much a text differs from what is below it, as WCAG counts it: 1 to 21."""
    red, green, blue = 255.0, 255.0, 255.0
    for ground in reversed(grounds):
        *channels, alpha = channels_of(ground)
        red, green, blue = (
            above * alpha + below * (1 - alpha) for above, below in zip(channels, (red, green, blue), strict=True)
        )
    *text, alpha = channels_of(colour)
    text = [above * alpha + below * (1 - alpha) for above, below in zip(text, (red, green, blue), strict=True)]
    lighter, darker = sorted((luminance(text), luminance((red, green, blue))), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


def channels_of(colour):
    """Red, green, blue from 0 to 255, and opacity; of `rgb(…)`, or of `color(srgb …)` as a mix of two is given."""
    kind, _, inner = colour.partition("(")
    words = inner.rstrip(")").replace("srgb", "").replace(",", " ").replace("/", " ").split()
    red, green, blue, *more = (float(word) for word in words)
    scale = 255 if kind == "color" else 1
    return (red * scale, green * scale, blue * scale, more[0] if more else 1.0)


def luminance(colour):
    linear = [
        part / 12.92 if part <= 0.03928 else ((part + 0.055) / 1.055) ** 2.4 for part in (c / 255 for c in colour)
    ]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
