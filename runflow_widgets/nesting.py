"""The one place where loops are nested, because a user asked for it: `asyncio.run(main())` pasted into a cell.

Nothing of ours needs it. The original nest_asyncio must not be used on ipykernel 7: it drops every widget message
that arrives during a nested run and every cell queued behind it. Its continuation nest_asyncio2 does not.
"""

from __future__ import annotations

import asyncio
import sys
import warnings
from importlib import metadata

from .errors import ConfigError

_warned = False


def nest() -> str:
    """Let `asyncio.run(...)` work inside a cell, until the kernel restarts; says what was done.

    Example:
        >>> rf.nest()
        'asyncio.run(...) now works in cells, through nest_asyncio2, until the kernel restarts. …'
    """
    warn_of_the_original()
    import nest_asyncio2

    try:
        nest_asyncio2.apply()
    except ValueError as error:
        raise ConfigError(f"This loop cannot be nested ({error}).", advice="Use `await main()` instead.") from error
    return (
        "asyncio.run(...) now works in cells, through nest_asyncio2, until the kernel restarts. "
        "Prefer `await` where you can: widgets stay alive while a cell awaits."
    )


def original_applied() -> bool:
    """Whether the original nest_asyncio has patched the loop."""
    # Both leave the first mark; only the continuation leaves the second.
    return hasattr(asyncio, "_nest_patched") and not hasattr(asyncio, "_nest_asyncio2")


def warn_of_the_original() -> bool:
    """Say, once, that the original nest_asyncio is at work on a kernel where it loses cells; tells whether it did."""
    global _warned
    if _warned or not original_applied() or _ipykernel_major() < 7:
        return False
    _warned = True
    warnings.warn(
        "nest_asyncio has been applied. On ipykernel 7 it loses queued cells and widget messages. "
        "Restart the kernel and use rf.nest() instead, which applies its continuation nest_asyncio2; "
        "runflow_widgets itself needs neither.",
        UserWarning,
        stacklevel=3,
    )
    return True


def _ipykernel_major() -> int:
    if "ipykernel" not in sys.modules:
        return 0
    try:
        return int(metadata.version("ipykernel").partition(".")[0])
    except (metadata.PackageNotFoundError, ValueError):
        return 0
