"""Looking for tags before anything is removed: the finds with their scores, and a mask of those that are to go."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, overload

from .errors import InputError

if TYPE_CHECKING:
    from PIL.Image import Image

    from .engine.models.tags import Located


@dataclass(frozen=True, slots=True)
class TagFind:
    """One find.

    Attributes:
        box: Left, top, width and height, in pixels of the picture, with the string.
        score: How sure it is, from 0 to 1.
        has_string: Whether a string hangs on it.
    """

    box: tuple[int, int, int, int]
    score: float
    has_string: bool


class TagFinds(Sequence[TagFind]):
    """The tags of a picture, the surest first.

    Example:
        >>> finds = rf.find_tags("shirt.jpg")
        >>> rf.run("runflow/object-removal", image="shirt.jpg", mask=finds.mask_of([0]))
    """

    def __init__(self, located: Sequence[Located], size: tuple[int, int]) -> None:
        self._located, self.size = tuple(located), size

    @property
    def mask(self) -> Image:
        """All of them, with strings and shadows: white is to be removed."""
        return self.mask_of(range(len(self)))

    def mask_of(self, numbers: Iterable[int]) -> Image:
        """Some of them by their numbers, the first is 0.

        Raises:
            InputError: There is no find of that number.
        """
        import numpy as np

        from .images import from_array

        width, height = self.size
        mask = np.zeros((height, width), np.bool_)
        for number in numbers:
            if not -len(self) <= number < len(self):
                raise InputError(f"There is no find {number}; there are {len(self)}.", advice="The first is 0.")
            self._located[number].mark(mask)
        return from_array(mask.astype(np.uint8) * np.uint8(255))

    def __len__(self) -> int:
        return len(self._located)

    @overload
    def __getitem__(self, number: int) -> TagFind: ...
    @overload
    def __getitem__(self, number: slice) -> tuple[TagFind, ...]: ...
    def __getitem__(self, number: int | slice) -> TagFind | tuple[TagFind, ...]:
        return tuple(self)[number]

    def __iter__(self) -> Iterator[TagFind]:
        for located in self._located:
            yield TagFind(located.tag.box, located.tag.score, located.tag.has_string)

    def __repr__(self) -> str:
        lines = [
            f"  {number}: {find.box[2]}×{find.box[3]} px at {find.box[0]}, {find.box[1]}, score {find.score:.2f}"
            f"{', with a string' if find.has_string else ''}"
            for number, find in enumerate(self)
        ]
        return "\n".join([f"TagFinds: {len(self)}", *lines])


def find_tags(image: Any) -> TagFinds:
    """Find the price tags, stickers and labels of a picture; nothing is removed, and nothing leaves this machine.

    Sewn brand and care labels belong to the product and are not looked for.

    Example:
        >>> finds = rf.find_tags(rf.samples.load("tagged_mug"))
        >>> finds[0].box

    Args:
        image: A path, a URL of data, bytes, an array, or a Pillow image.
    """
    from .engine.models.tags import locate_tags
    from .images import open_image, to_array

    picture = open_image(image).convert("RGB")
    return TagFinds(locate_tags(to_array(picture)), picture.size)
