"""Tests share a page, and notice nothing of each other."""

from __future__ import annotations

import pytest
from rig import Notebook

pytestmark = [pytest.mark.browser, pytest.mark.slow]


def test_a_page_serves_the_next_test_unless_something_was_left_in_it(pages, kernels, server):
    page = pages.take(kind="lab", dark=True, width=500)
    kernels.give("first.ipynb")
    first = Notebook(page, server, "first.ipynb", ["secret = 1"], kind="lab", dark=True)
    first.run_all()
    pages.give_back(page)
    kernels.end("first.ipynb")

    again = pages.take(kind="lab", dark=False)
    kernels.give("second.ipynb")
    second = Notebook(again, server, "second.ipynb", ["1", "2"], kind="lab")
    seen = again.evaluate("() => [innerWidth, document.body.dataset.jpThemeLight, panel.content.widgets.length]")
    known = second.ask("'secret' in globals()")
    again.evaluate("() => localStorage.setItem('left', 'behind')")
    second.forget_kernel()
    pages.give_back(again)
    kernels.end("second.ipynb")

    assert again is page
    assert (seen, known) == ([1100, "true", 2], False)
    assert page.is_closed()
