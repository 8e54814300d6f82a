"""What is compared: pictures of any kind, runs and named pictures become labelled bitmaps here."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from ..errors import InputError, OutputError
from ..images import open_image, remarks, to_array
from ..result import Output
from ..running import Run
from ..wire import tame
from .background import map_all
from .sources import is_plain, open_source

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from PIL.Image import Image

#: How many pictures are opened at a time, and from how many pixels on that is worth it for bitmaps.
_HELPERS: Final = 4
_MOST_LETTERS: Final = 200
_LARGE_PX: Final = 4_000_000
#: Under which names models take the picture they work on, the likelier first.
_INPUT_NAMES: Final = ("image", "image_url", "images", "image_urls", "input_image", "input_image_url")
_MASK_NAMES: Final = ("mask", "mask_url", "mask_image", "mask_image_url")


@dataclass(frozen=True, slots=True, eq=False)
class Picture:
    """One picture under comparison; `facts` is what else is known of it, such as the run's cost and time."""

    label: str
    image: Image
    facts: str = ""
    notes: tuple[str, ...] = ()
    #: The numbers as they were given, where they had 16 bits.
    deep: NDArray[np.uint16] | None = None

    @property
    def size(self) -> tuple[int, int]:
        """Width and height in pixels."""
        return self.image.size

    @property
    def has_alpha(self) -> bool:
        """Whether something of it is transparent."""
        return self.image.mode == "RGBA" and self.image.getchannel("A").getextrema() != (255, 255)


def read_pictures(given: Sequence[Any], labels: Sequence[str] | None = None) -> tuple[list[Picture], Any]:
    """Open what was given to `rf.compare`, and find the mask of a run that is compared with its own input.

    Raises:
        InputError: Something is no picture, or there is nothing to compare it with.
    """
    mask = None
    if len(given) == 1 and isinstance(given[0], Mapping):
        # A run brings a label of its own, but who gives a name means it.
        names = [str(name) for name in given[0]]
        pictures = _labelled(_all_opened(list(given[0].values()), names), names)
    elif len(given) == 1 and isinstance(given[0], Run):
        pictures, mask = _input_and_outputs(given[0])
    elif len(given) == 1 and isinstance(given[0], list | tuple):
        return read_pictures(given[0], labels)
    else:
        names = ["Before", "After"] if len(given) == 2 else [f"Picture {n}" for n in range(1, len(given) + 1)]
        pictures = _all_opened(given, names)
    if len(pictures) < 2:
        raise InputError(
            "There is only one picture." if pictures else "There is no picture.",
            advice="Give two or more, or a run that has a picture as its input.",
        )
    return _labelled(pictures, labels), mask


def _labelled(pictures: list[Picture], labels: Sequence[str] | None) -> list[Picture]:
    if labels is None:
        labels = _distinct([picture.label for picture in pictures])
    elif isinstance(labels, str) or len(labels) != len(pictures):
        count = 1 if isinstance(labels, str) else len(labels)
        raise InputError(
            f"There are {len(pictures)} pictures and {count} label{'s' * (count != 1)}.",
            field="labels",
            advice="Give one label for each picture.",
        )
    # A page takes minutes to find out how much of a hundred thousand letters fits above a picture.
    return [replace(one, label=tame(str(label), _MOST_LETTERS)) for label, one in zip(labels, pictures, strict=True)]


def _distinct(labels: list[str]) -> list[str]:
    return [
        f"{label} {labels[: place + 1].count(label)}" if labels.count(label) > 1 else label
        for place, label in enumerate(labels)
    ]


def _all_opened(sources: Sequence[Any], labels: Sequence[str]) -> list[Picture]:
    """Open each; files and large bitmaps at the same time, for even the copy that protects a bitmap takes long."""
    given = list(zip(sources, labels, strict=True))
    # One bitmap is never read by two threads: Pillow finds out what it is like, and loads it, on the way.
    first = {id(source): place for place, source in reversed(list(enumerate(sources)))}
    apart = [place for place, source in enumerate(sources) if first[id(source)] == place and _takes_long(source)]
    opened = map_all(lambda place: _opened(*given[place]), apart, most=_HELPERS)
    ready = dict(zip(apart, opened, strict=True))
    return [ready[place] if place in ready else _opened(*pair) for place, pair in enumerate(given)]


def _takes_long(source: Any) -> bool:
    if hasattr(source, "getbands"):
        return bool(source.width * source.height >= _LARGE_PX)
    return isinstance(source, str | Path | bytes) and is_plain(source)


def _opened(source: Any, label: str) -> Picture:
    if isinstance(source, Picture):
        return source
    if isinstance(source, Run):
        return _of_run(source)
    try:
        if isinstance(source, Output):
            return Picture(label, source.image, notes=remarks(source.path))
        if callable(getattr(source, "read", None)) and not isinstance(source, io.TextIOBase):
            # Read once, for an open file can be asked only once.
            source = source.read()
        image = open_image(source) if is_plain(source) else open_source(source)[0]
    except (InputError, OutputError) as error:
        raise InputError(f"{label}: {error.message}", field=label, advice=error.advice) from error
    deep = source if str(getattr(source, "dtype", "")) == "uint16" else None
    return Picture(label, image, notes=remarks(source), deep=None if deep is None else deep.copy())


def _of_run(run: Run) -> Picture:
    return Picture(run.model.rpartition("/")[2], run.image, _facts(run))


def _facts(run: Run) -> str:
    """Cost, seed and time, as far as they are known."""
    cost = "free" if run.is_embedded else f"${run.cost}" if run.cost is not None else ""
    seed = f"seed {run.inputs['seed']}" if run.inputs.get("seed") is not None else ""
    return " · ".join(filter(None, (cost, seed, f"{run.elapsed_s:.1f} s")))


def _input_and_outputs(run: Run) -> tuple[list[Picture], Any]:
    # Asked first: a run that is not over should be told of as that, and not as one whose input is gone.
    first = _of_run(run)
    images = run.images
    results = [Picture(first.label, image, first.facts) for image in images] if len(images) > 1 else [first]
    before = _opened(_input_of(run), "Input")
    given = run._given
    mask = next((given[name] for name in _MASK_NAMES if given.get(name) is not None), None)
    return [before, *results], _usable_mask(mask)


def _usable_mask(mask: Any) -> Any:
    if isinstance(mask, str) and "://" in mask and not mask.startswith("data:"):
        # Only a help: without it the pictures are compared as a whole.
        return None
    return mask.image if isinstance(mask, Output) else mask


def _input_of(run: Run) -> Any:
    """The picture a run was given, if it can still be had."""
    given = {**run.inputs, **run._given}
    kinds = {field.name: field.kind for field in run.spec.inputs}
    names = [*_INPUT_NAMES, *(name for name, kind in kinds.items() if kind in ("image", "image_list"))]
    value = next((given[name] for name in names if given.get(name) and name not in _MASK_NAMES), None)
    if isinstance(value, list | tuple):
        value = value[0]
    advice = "Give it yourself: rf.compare(picture, run)."
    if value is None:
        raise InputError(f"{run.model} was given no picture to compare its result with.", advice=advice)
    if isinstance(value, str) and value.startswith("file:"):
        raise InputError("The picture that this run was given was not kept with its record.", advice=advice)
    if isinstance(value, str) and "://" in value and not value.startswith("data:"):
        raise InputError(f"The run's input is a link ({value[:80]}), and links are not opened here.", advice=advice)
    return value


@dataclass(frozen=True, slots=True, eq=False)
class Laid:
    """Two pictures laid on one another; `box` is the part of the first that both cover, as x, y, width, height."""

    first: Image | NDArray[np.uint16]
    second: Image | NDArray[np.uint16]
    box: tuple[int, int, int, int]
    #: Where that part begins in the second.
    start: tuple[int, int]

    def arrays(self, part: tuple[int, int, int, int] | None = None) -> tuple[NDArray[Any], NDArray[Any]]:
        """The pixels that both cover, or a part of them (left, top, right, bottom); only that part is unpacked."""
        left, top, right, bottom = part or (0, 0, *self.box[2:])
        boxes = ((x + left, y + top, x + right, y + bottom) for x, y in (self.box[:2], self.start))
        first, second = (_cut(side, box) for side, box in zip((self.first, self.second), boxes, strict=True))
        return first, second


def lay(before: Picture, after: Picture, match: str) -> Laid:
    """Lay the second on the first, centre on centre.

    `native` does so pixel for pixel; otherwise the second is scaled to the first, and never stretched.
    """
    from PIL import Image as Pillow

    if before.size == after.size and before.deep is not None and after.deep is not None:
        return Laid(_plain(before.deep), _plain(after.deep), (0, 0, *before.size), (0, 0))
    second = after.image
    if match != "native" and before.size != after.size:
        second = second.resize(scaled_size(after.size, before.size), Pillow.Resampling.LANCZOS)
    width, height = (min(pair) for pair in zip(before.size, second.size, strict=True))
    starts = [((w - width) // 2, (h - height) // 2) for w, h in (before.size, second.size)]
    return Laid(before.image, second, (*starts[0], width, height), starts[1])


def _cut(side: Image | NDArray[np.uint16], box: tuple[int, int, int, int]) -> NDArray[Any]:
    left, top, right, bottom = box
    if hasattr(side, "dtype"):
        return side[top:bottom, left:right]  # type: ignore[index]  # a Pillow image has no dtype
    return to_array(side if box == (0, 0, *side.size) else side.crop(box))


def scaled_size(size: tuple[int, int], frame: tuple[int, int]) -> tuple[int, int]:
    """As large as fits into the frame in the same shape."""
    scale = min(frame[0] / size[0], frame[1] / size[1])
    # A pixel less than the frame is a matter of rounding, not of another shape.
    wide, high = (max(1, round(side * scale)) for side in size)
    return tuple(edge if abs(edge - side) <= 1 else side for side, edge in zip((wide, high), frame, strict=True))  # type: ignore[return-value]  # two of two


def _plain(values: NDArray[np.uint16]) -> NDArray[np.uint16]:
    """Grey with alpha has no meaning of its own for the count; everything else has."""
    import numpy as np

    if values.ndim == 3 and values.shape[2] == 1:
        return values[..., 0]
    if values.ndim == 3 and values.shape[2] == 2:
        found: NDArray[np.uint16] = np.dstack([values[..., 0]] * 3 + [values[..., 1]])
        return found
    return values
