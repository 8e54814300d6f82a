"""Nested loops change a whole process, so each of these runs in one of its own."""

from __future__ import annotations

import subprocess
import sys

import pytest


def python(code: str) -> str:
    return subprocess.run(
        [sys.executable, "-W", "error", "-c", code], capture_output=True, text=True, check=True
    ).stdout.strip()


@pytest.mark.slow
def test_a_script_with_asyncio_run_works_inside_a_running_loop():
    printed = python(
        "import asyncio, runflow_widgets as rf\n"
        "async def inner(): return 'nested'\n"
        "async def cell():\n"
        "    rf.nest()\n"
        "    return asyncio.run(inner())\n"
        "print(asyncio.new_event_loop().run_until_complete(cell()))"
    )

    assert printed == "nested"


def test_nothing_is_nested_before_it_is_asked_for():
    printed = python(
        "import asyncio, sys, runflow_widgets as rf\n"
        "rf.connect(embedded=True)\n"
        "print('nest_asyncio2' in sys.modules, hasattr(asyncio, '_nest_patched'))"
    )

    assert printed == "False False"


def test_outside_a_kernel_nobody_is_warned():
    printed = python(
        "import asyncio\n"
        "asyncio._nest_patched = True\n"
        "from runflow_widgets.nesting import original_applied, warn_of_the_original\n"
        "print(original_applied(), warn_of_the_original())"
    )

    assert printed == "True False"


def test_the_continuation_is_not_taken_for_the_original():
    printed = python(
        "import asyncio\n"
        "asyncio._nest_patched = asyncio._nest_asyncio2 = True\n"
        "from runflow_widgets.nesting import original_applied\n"
        "print(original_applied())"
    )

    assert printed == "False"
