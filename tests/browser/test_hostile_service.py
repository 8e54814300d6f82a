"""Whatever a service writes into its models, runs and errors is text in the page, and in what is exported of it."""

from __future__ import annotations

import re

import pytest
from looks import keep_picture
from nbconvert import HTMLExporter

pytestmark = [pytest.mark.browser, pytest.mark.slow]

CONNECT = """
import runflow_widgets as rf
import hostile_service
from runflow_widgets.running import start
from runflow_widgets.session import current
print(hostile_service.connect())
evil = hostile_service.model_id()
spec = current().catalogue.get(evil)
plant = rf.samples.load('plant').resize((80, 60))
"""
SHOWN = [
    "rf.models('Kind')",
    "spec",
    "picker = rf.ModelPicker(favourites=[evil], recent=[evil])\npicker",
    "form = rf.form(spec)\nform",
    "runs = [start(spec, {'prompt': name}) for name in [*hostile_service.STATES, 'refused']]\n"
    "for run in runs: display(run)",
    "table = rf.RunTable(runs)\ntable",
    "gallery = rf.Gallery()\ngallery",
    "rf.runs()",
    "results = rf.map(spec, [plant] * 2, prompt='failed')\nresults",
    "rf.compare(plant, plant.rotate(180), labels=[hostile_service.LONG, hostile_service.CODE])",
    "recipe = rf.Recipe(hostile_service.NAME).then('first', evil, prompt='done')\nrecipe",
    "made = recipe.run([plant])\nmade",
    "studio = rf.studio(plant, evil)\nstudio",
]
#: What would be there if any of it had become more than text.
ELEMENTS = """() => {
  const found = [];
  const look = (root) => {
    for (const element of root.querySelectorAll('*')) {
      if (element.shadowRoot) look(element.shadowRoot);
      const at = [...element.attributes].map((one) => `${one.name}=${one.value}`).join(' ');
      const code = /canary|hits/.test(at) && [...element.attributes].some((one) =>
        one.name.startsWith('on') || (/^(src|href|srcdoc|action|xlink:href)$/.test(one.name)
          && /canary|javascript:/.test(one.value)));
      if (code || element.classList.contains('hostile')
        || (element.localName === 'script' && /window\\.hits=/.test(element.textContent) && !/jupyter/i.test(at)))
        found.push(element.outerHTML.slice(0, 200));
    }
  };
  look(document);
  return { found, hits: window.hits ?? 0 };
}"""
#: Views of ours whose content hangs out of them.
WIDE = """() => [...document.querySelectorAll(
  '.rfw-run, .rfw-pick, .rfw-form, .rfw-gal, .rfw-runs, .rfw-studio, .rfw-cmp, .widget-html, .jupyter-widget-html')]
  .filter((view) => view.checkVisibility() && view.scrollWidth > view.clientWidth + 2)
  .map((view) => [view.className, view.scrollWidth, view.clientWidth])"""


PLANT = """() => document.body.insertAdjacentHTML('beforeend',
  '<p id=planted><b class=hostile></b><img src=/canary-planted onerror="window.hits=1"></p>')"""
#: Whether the first gallery shows these runs and no others.
LISTED = """(keys) => {
  const cards = [...document.querySelector('.rfw-gal').querySelectorAll('.rfw-gal-card')];
  return cards.length && cards.every((card) => card.ariaSetSize === String(keys.length)
    && card.dataset.key === keys[Number(card.ariaPosInSet) - 1]);
}"""
SAVE_STATE = "() => jupyterapp.commands.execute('@jupyter-widgets/jupyterlab-manager:saveWidgetState')"


class Asked:
    """Every address that the page asked for, and every dialog; to be closed, for pages are used again."""

    def __init__(self, page):
        self.addresses = []
        self._page = page
        page.on("request", self._note)
        page.on("dialog", self._refuse)

    def close(self):
        self._page.remove_listener("request", self._note)
        self._page.remove_listener("dialog", self._refuse)

    def _note(self, request):
        self.addresses.append(request.url)

    def _refuse(self, dialog):
        self.addresses.append(f"canary dialog {dialog.message}")
        dialog.dismiss()

    @property
    def canaries(self):
        return [address for address in self.addresses if "canary" in address]


@pytest.mark.timeout(300)
def test_nothing_that_a_service_writes_is_run_or_drawn(notebook, server, browser, tmp_path):
    page = notebook([CONNECT, *SHOWN], width=1100, height=1400)
    asked = Asked(page.page)
    page.run_all()
    page.until("sum(run.done for run in runs) == 5 and results.done and made.done", 60)
    page.page.locator(".rfw-run[data-state=failed]").first.wait_for(timeout=60_000)
    page.page.locator(".rfw-gal-card").first.wait_for()
    page.page.locator(".rfw-studio-bar, .rfw-studio").first.wait_for()

    look_through(page)
    names = use_menus(page)

    assert {name for name in names if not re.fullmatch(r"[\w. -]{1,200}\.(png|gif|webp)", name)} == set()
    live = page.page.evaluate(ELEMENTS)
    assert live == {"found": [], "hits": 0}
    assert page.ask("len(made.note)") < 400
    assert asked.canaries == []
    keep_cells(page)
    assert page.page.evaluate(WIDE) == []
    # What looks for it would find it.
    page.page.evaluate(PLANT)
    page.page.wait_for_function("() => window.hits === 1")
    assert len(page.page.evaluate(ELEMENTS)["found"]) == 2
    assert len(asked.canaries) == 1
    page.page.evaluate("() => { document.querySelector('#planted').remove(); delete window.hits; }")
    asked.close()
    # The same notebook, saved and handed on as a page.
    # The command turns it on, and off again for the tests to come.
    page.page.evaluate(SAVE_STATE)
    page.save()
    page.page.evaluate(SAVE_STATE)
    path = server.root / page.page.evaluate("() => panel.context.path")
    exported, _ = HTMLExporter().from_filename(str(path))
    (tmp_path / "page.html").write_text(exported, encoding="utf-8")
    other = browser.page()
    asked_there = Asked(other)
    other.goto((tmp_path / "page.html").as_uri(), wait_until="domcontentloaded")
    other.wait_for_function("() => document.readyState === 'complete'")

    assert other.evaluate(ELEMENTS) == {"found": [], "hits": 0}
    assert asked_there.canaries == []
    # It is there, as text: a search where nothing is finds nothing.
    assert other.get_by_text("<img src=/canary-img").first.is_visible()
    other.context.close()
    browser.strayed.clear()


def look_through(page):
    """Open what is opened by pressing: the model's sheet, the form, details, errors, menus."""
    picker = page.page.locator(".rfw-pick").first
    picker.get_by_role("combobox", name="Search models").fill("Kind")
    picker.locator("[data-id]").first.click()
    form = page.page.locator(".rfw-form").first
    form.wait_for()
    for summary in page.page.locator("[class*=rfw-] summary, .jp-OutputArea-output summary").all():
        if summary.is_visible():
            summary.click()
    cards = page.page.locator(".rfw-gal-list").get_by_role("option")
    for place in range(min(4, cards.count())):
        cards.nth(place).click()
    for row in page.page.locator(".rfw-runs-row").all()[:8]:
        if row.is_visible():
            row.click()


def use_menus(page):
    """Have made what is made only when it is asked for: code, questions, comparisons, files; gives the files' names."""
    gallery = page.page.locator(".rfw-gal").first
    for box in gallery.locator(".rfw-gal-chips select").all():
        # What the services wrote stands in these too.
        for place in range(box.locator("option").count()):
            box.select_option(index=place)
        box.select_option(index=0)
    gallery.get_by_role("button", name="By model").click()
    # What stands there is of another filter until the kernel has come to the last one, and of what was before until its
    # answer is here.
    page.until("gallery.filters == {}")
    page.page.wait_for_function(LISTED, arg=page.ask("gallery._list.keys"))
    gallery.locator(".rfw-gal-card:has(img)", has_text="2 files").first.click()
    gallery.locator(".rfw-gal-picture").wait_for()
    with page.page.expect_download() as download:
        gallery.get_by_role("button", name=re.compile("^Save")).click()
    names = [download.value.suggested_filename]
    for name in ("Compare as A", "Compare as B", "Code", "Copy details", "Delete local copy…"):
        gallery.get_by_role("button", name=name, exact=True).click()
    gallery.get_by_role("alertdialog").get_by_role("button", name="Cancel").click()
    language = gallery.get_by_role("combobox", name="Language")
    for place in range(language.locator("option").count()):
        language.select_option(index=place)
    for name, view in (("To a form", ".rfw-form"), ("To a mask pad", ".jupyter-widgets canvas")):
        before = page.page.locator(view).count()
        gallery.get_by_role("button", name=name, exact=True).click()
        page.page.locator(view).nth(before).wait_for()
    compared = page.page.locator(".rfw-cmp").first
    for mode in compared.get_by_role("group", name="Ways to compare").get_by_role("button").all():
        mode.click()
    opener = compared.locator("[aria-haspopup=menu]")
    opener.click()
    count = compared.get_by_role("menuitem").count()
    opener.click()
    for place in range(count):
        opener.click()
        with page.page.expect_download() as download:
            compared.get_by_role("menuitem").nth(place).click()
        names.append(download.value.suggested_filename)
    return names


def keep_cells(page):
    for place, cell in enumerate(page.page.locator(".jp-Cell").all()):
        cell.scroll_into_view_if_needed()
        keep_picture(page, f"hostile-{place:02d}")
