"""What was done to a mask, step by step, small enough to keep many of them."""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from .patch import Box

MOST_STEPS: Final = 50


@dataclass(frozen=True, slots=True)
class Step:
    """The pixels that one action flipped; flipping them once more takes it back.

    A mask has two values only, so which pixels changed is all there is to know: one bit each, and packed, since
    the bits of a painted shape are mostly alike.
    """

    name: str
    box: Box
    packed: bytes

    @classmethod
    def of(cls, name: str, box: Box, flipped: NDArray[np.bool_]) -> Step:
        """Take down which pixels of the box were flipped."""
        # The fastest level: painted shapes shrink a hundredfold even so, and a stroke must not wait for more.
        return cls(name, box, zlib.compress(np.packbits(flipped).tobytes(), 1))

    @property
    def flipped(self) -> NDArray[np.bool_]:
        """Which pixels of the box it flipped."""
        bits = np.frombuffer(zlib.decompress(self.packed), np.uint8)
        count = self.box.width * self.box.height
        return np.unpackbits(bits, count=count).reshape(self.box.height, self.box.width).view(np.bool_)


class Steps:
    """The steps that can be taken back, and those that were and can be done again."""

    def __init__(self, most: int = MOST_STEPS) -> None:
        self._most = most
        self._all: list[Step] = []
        self._done = 0

    def add(self, step: Step) -> None:
        """Put down a new step; what had been taken back is forgotten."""
        self._all[self._done :] = [step]
        del self._all[: -self._most]
        self._done = len(self._all)

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the steps that can be taken back, the oldest first."""
        return tuple(step.name for step in self._all[: self._done])

    @property
    def undoable(self) -> Step | None:
        """The step that would be taken back next."""
        return self._all[self._done - 1] if self._done else None

    @property
    def redoable(self) -> Step | None:
        """The step that would be done again next."""
        return self._all[self._done] if self._done < len(self._all) else None

    def move(self, by: int) -> None:
        """Note that a step was taken back (-1) or done again (+1)."""
        self._done += by

    @property
    def size_bytes(self) -> int:
        """How much memory the steps hold."""
        return sum(len(step.packed) for step in self._all)
