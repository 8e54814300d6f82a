"""Pictures from wherever a user has them: what `open_image` takes, and addresses and results besides."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from ..client.outside import Outside
from ..errors import InputError
from ..images import open_image
from ..result import Output
from .background import outcome

if TYPE_CHECKING:
    from PIL.Image import Image

_MOST_BYTES: Final = 200_000_000


def open_source(source: object) -> tuple[Image, str]:
    """A picture, and what to call it: a path, address, bytes, Pillow picture, array, output, or a run with one.

    Example:
        >>> photo, name = open_source("holiday/beach.jpg")
        >>> name
        'beach.jpg'
    """
    if isinstance(source, str) and source.startswith(("http://", "https://")):
        return open_image(_fetched(source)), Path(source.partition("?")[0]).name or "picture"
    if isinstance(source, Output):
        return source.image, source.name
    if isinstance(source, str | Path) and not str(source).startswith("data:"):
        return open_image(source), Path(source).name
    if callable(getattr(source, "read_bytes", None)):
        return _named(source)
    outputs = getattr(source, "outputs", None)
    if outputs is not None:
        if not outputs:
            raise InputError("The run has no result yet.", advice="Wait for it first: await run.")
        return open_source(outputs[0])
    return open_image(source), "picture"


def is_plain(source: object) -> bool:
    """Whether `open_image` takes it by itself: neither an address nor something that reads itself."""
    if isinstance(source, str):
        return not source.startswith(("http://", "https://"))
    return isinstance(source, Path) or not callable(getattr(source, "read_bytes", None))


def _named(file: Any) -> tuple[Image, str]:
    """A file that knows its own name, which then says better what is wrong with it."""
    name = str(getattr(file, "name", "picture"))
    try:
        return open_image(file.read_bytes()), name
    except InputError as error:
        raise InputError(f"{name}: {error.message}", advice=error.advice) from error


def _fetched(address: str) -> bytes:
    async def fetch() -> bytes:
        outside = Outside()
        try:
            return (await outside.fetch(address, limit_bytes=_MOST_BYTES)).data
        finally:
            await outside.close()

    return outcome(fetch())
