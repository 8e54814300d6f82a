"""What `measured` calls: everything that is to be cheap, or no dearer than what is in it."""

from __future__ import annotations

import functools

import numpy  # noqa: F401  # what is loaded on the first call is not counted
from hostile import archives, pictures

from runflow_widgets.images import open_image, safe_unzip


def opening(make):
    def ready():
        data = make()
        return lambda: open_image(data).size

    return ready


def unpacking(make):
    def ready():
        return functools.partial(safe_unzip, make(), ["photo.png"])

    return ready


open_image(pictures.plain())
MEASURED = {
    **{name: opening(make) for name, (make, _) in pictures.REFUSED.items()},
    **{name: opening(make) for name, make in pictures.OPENED.items()},
    **{name: unpacking(make) for name, (make, _) in archives.REFUSED.items()},
}
