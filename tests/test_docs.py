"""The reference of all public names, as `make docs` writes it."""

from __future__ import annotations

import re
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path

import pytest

import runflow_widgets as rf

ROOT = Path(__file__).parent.parent
MODULES = ("callbacks", "errors", "samples")


class Sections(HTMLParser):
    """The parts of a page: their ids, and what stands in those that have one."""

    def __init__(self, text):
        super().__init__()
        self.ids, self.addresses = set(), set()
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        found = dict(attrs)
        if found.get("id"):
            self.ids.add(found["id"])
        self.addresses |= {found[name] for name in ("src", "href") if found.get(name)}


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """The site, written by the command of the Makefile."""
    folder = tmp_path_factory.mktemp("docs")
    rule = re.search(r"^docs:.*\n((?:\t.*\n)+)", (ROOT / "Makefile").read_text(), re.MULTILINE)
    command = rule[1].replace("\\\n", " ").strip().removeprefix("$(BIN)/python -m ").replace("$$", "$")
    arguments = [part.strip("'") for part in command.replace("docs-output", str(folder)).split()]
    subprocess.run([sys.executable, "-m", *arguments], check=True, cwd=ROOT, timeout=100)
    return folder


def test_every_public_name_has_its_place(site):
    page = Sections((site / "runflow_widgets.html").read_text())

    assert {name for name in rf.__all__ if name not in MODULES} <= page.ids
    assert {"Run.cancel", "Run.image", "MaskPad.draw_stroke", "Compare.position", "Results.save"} <= page.ids
    for name in MODULES:
        assert (site / "runflow_widgets" / f"{name}.html").is_file()


def test_it_reads_without_a_network(site):
    for path in site.rglob("*.html"):
        loaded = Sections(path.read_text()).addresses
        assert not [address for address in loaded if address.startswith(("http", "//")) and "pdoc.dev" not in address]
