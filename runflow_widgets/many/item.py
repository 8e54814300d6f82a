"""One of many inputs and what has become of it; and the pictures of them all, opened when they are looked at."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, overload

from ..errors import RunflowError
from ..result import Output
from ..running import Run, take_up
from ..session import Session

if TYPE_CHECKING:
    from PIL import Image

WAITING: Final = "waiting"
NOT_SENT: Final = "not sent"
#: A text of this length may be an address or a prompt; a longer one is a picture in disguise.
_LIGHT_TEXT: Final = 2000


@dataclass(frozen=True, slots=True)
class Item:
    """One input of `rf.map` as it stood when it was asked for; ask `results.items` again for news.

    `status` is `waiting` before its turn, then the run's own word; `not sent` after a stop. `index` is its place
    among the inputs, `name` what its results are saved as. `reused` tells that a run on record was taken, unpaid.
    """

    index: int
    name: str
    status: str = WAITING
    done: bool = False
    key: str | None = None
    error: RunflowError | None = None
    outputs: tuple[Output, ...] = ()
    cost: Decimal | None = None
    reused: bool = False
    progress: float | None = None
    #: Who did it, where that was a worker of a cluster.
    worker: str | None = None
    #: What it was given, kept until it has succeeded, and then only where that is paths and plain values.
    given: Mapping[str, Any] = field(default_factory=dict, repr=False, compare=False)
    session: Session | None = field(default=None, repr=False, compare=False)

    @property
    def ok(self) -> bool:
        """Whether its results are here."""
        return self.done and self.error is None and self.status != NOT_SENT

    @property
    def run(self) -> Run | None:
        """The run behind it, read from the record; None before it was sent."""
        entry = self.session.ledger.get(self.key) if self.session is not None and self.key else None
        if entry is None or self.session is None:
            return None
        run = take_up(self.session, entry, follow=False)
        if not run._given and is_light(self.given):
            run._given = dict(self.given)
        return run

    @property
    def image(self) -> Image.Image:
        """Its first picture, opened with Pillow."""
        return Images(self.outputs)[0]


class Images(Sequence["Image.Image"]):
    """Pictures on disk, each opened when it is asked for and not kept: a thousand of them weigh nothing."""

    def __init__(self, outputs: Sequence[Output]) -> None:
        self._outputs = tuple(output for output in outputs if output.kind == "image")

    @overload
    def __getitem__(self, index: int) -> Image.Image: ...
    @overload
    def __getitem__(self, index: slice) -> Images: ...
    def __getitem__(self, index: int | slice) -> Image.Image | Images:
        return Images(self._outputs[index]) if isinstance(index, slice) else self._outputs[index].image

    def __len__(self) -> int:
        return len(self._outputs)

    def __repr__(self) -> str:
        return f"{len(self)} picture{'' if len(self) == 1 else 's'} on disk"


def is_light(value: object) -> bool:
    """Whether a value may be kept for ten thousand inputs: plain values and paths, no pictures."""
    if isinstance(value, str):
        return len(value) <= _LIGHT_TEXT
    if isinstance(value, Mapping):
        return all(is_light(entry) for entry in value.values())
    if isinstance(value, list | tuple):
        return all(is_light(entry) for entry in value)
    return value is None or isinstance(value, bool | int | float | Path)
