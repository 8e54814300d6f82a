"""Before and after, seen together: the compare view, and `rf.compare` that makes one."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal

import traitlets as t

from ..errors import InputError
from ..images import Difference, encode_png, read_mask
from .background import map_all
from .compare_export import animation, side_by_side, split, static_png
from .compare_pictures import Picture, read_pictures
from .compare_previews import QUICK_PX, glimpse, mask_png, preview
from .compare_words import remarks_on, words
from .compare_work import CompareWork
from .own_widget import OwnWidget

if TYPE_CHECKING:
    from PIL.Image import Image

_STATIC: Final = Path(__file__).parent / "static"

MODES: Final = ("slider", "hover", "side", "grid", "flip", "overlay", "difference", "checker")
MATCHES: Final = ("first", "fit", "native")
KINDS: Final = ("heat", "absolute", "signed")
Kind = Literal["side", "split", "gif", "webp"]


class Compare(OwnWidget):
    """Look at two or more pictures together; `rf.compare` makes one.

    Example:
        >>> view = rf.compare(before, after, mask=mask)
        >>> view
        >>> view.words()
        'Nothing changed outside the mask. Inside it, … % changed.'
        >>> view.mode = "difference"
    """

    _esm = _STATIC / "compare.js"
    _css = _STATIC / "compare.css"

    pictures = t.List(t.Dict()).tag(sync=True)
    """Label, facts, width, height and whether there is transparency, of each picture."""
    previews = t.List(t.Bytes()).tag(sync=True)
    """Each picture as WebP, at most 2048 px on the longer side."""
    maps = t.Dict().tag(sync=True)
    """Where A and B differ: lossless WebP maps, the pair and the box of A that they cover; empty until counted."""
    mask = t.Bytes(b"").tag(sync=True)
    """The mask as a black and white PNG in the first picture's frame; empty without one."""
    pair = t.List(t.Int(), [0, 1], minlen=2, maxlen=2).tag(sync=True)
    """Which pictures are A and B, counted from 0."""
    mode = t.Enum(MODES, "slider").tag(sync=True)
    """How they are laid together."""
    turned = t.Bool(default_value=False).tag(sync=True)
    """Whether the divider lies, with A above and B below."""
    position = t.Float(0.5, min=0.0, max=1.0).tag(sync=True)
    """Where the divider stands: 0 is the left (or upper) edge, 1 the right."""
    mix = t.Float(0.5, min=0.0, max=1.0).tag(sync=True)
    """How much of B lies over A in the overlay."""
    kind = t.Enum(KINDS, "heat").tag(sync=True)
    """How differences are drawn."""
    gain = t.Float(4.0, min=1.0, max=64.0).tag(sync=True)
    """By how much differences are made stronger."""
    threshold = t.Int(0, min=0, max=254).tag(sync=True)
    """Differences up to this, of 255, count as none."""
    square = t.Int(64, min=8, max=512).tag(sync=True)
    """The checkerboard's squares, in pixels of the screen."""
    background = t.Unicode("checker").tag(sync=True)
    """Under transparency: `checker`, `white`, `black`, any colour as `#rrggbb`, or `alpha` to see only the alpha."""
    match = t.Enum(MATCHES, "first").tag(sync=True)
    """Pictures of other sizes: scaled to the `first`, each to `fit` the frame, or `native`, pixel for pixel."""
    viewport = t.List(t.Float(), [0.5, 0.5, 0.0], minlen=3, maxlen=3).tag(sync=True)
    """What is looked at: the centre from 0 to 1 across and down, and screen pixels per picture pixel; 0 fits."""
    offset = t.List(t.Float(), [0.0, 0.0], minlen=2, maxlen=2).tag(sync=True)
    """How far B is shifted against A, in pixels of the picture; for looking only, it is not counted."""
    loupe = t.Bool(default_value=False).tag(sync=True)
    """Whether the loupe with pixel values is on."""
    outlined = t.Bool(default_value=True).tag(sync=True)
    """Whether the mask, and what changed outside it visibly or by more than the threshold, are outlined."""
    says = t.Unicode().tag(sync=True)
    """What changed, in words."""
    numbers = t.Dict().tag(sync=True)
    """What was counted, as a table; empty until it is."""
    notes = t.List(t.Unicode()).tag(sync=True)
    """What was done on purpose about sizes, shapes, frames and bits."""

    def __init__(self, pictures: Sequence[Picture], *, mask: Image | None = None, **traits: Any) -> None:
        self._pictures = list(pictures)
        self._mask = mask
        # On several threads: of very large pictures this is most of what stands before the first paint.
        seen = map_all(_glimpse, self._pictures)
        self._small = [picture for picture, _ in seen]
        self._static = b""
        # Before the traits are set: observers of theirs ask it.
        self._work: CompareWork | None = None
        super().__init__(
            pictures=[_described(picture) for picture in self._pictures],
            previews=[data for _, data in seen],
            mask=mask_png(mask) if mask is not None else b"",
            **traits,
        )
        self.notes = self._remarks()
        self._work = CompareWork(self, self._pictures, mask)
        self.on_msg(self._asked)
        self._work.begin()

    @t.validate("pair")
    def _check_pair(self, proposal: Any) -> list[int]:
        value: list[int] = proposal["value"]
        if not all(0 <= index < len(self._pictures) for index in value):
            raise t.TraitError(f"pair is {value}, but the pictures are counted from 0 to {len(self._pictures) - 1}.")
        return value

    @t.observe("pair", "match")
    def _other_pair(self, _: object) -> None:
        if self._work is not None:
            self.notes = self._remarks()
            self._work.begin()

    @t.observe("threshold")
    def _other_threshold(self, _: object) -> None:
        if self._work is not None:
            self._work.say()

    def _remarks(self) -> list[str]:
        first, second = self.pair
        return remarks_on(self._pictures, (first, second), self.match)

    def _asked(self, _: object, content: dict[str, Any], __: object) -> None:
        if self._work is not None:
            self._work.answer(content)

    # ------------------------------------------------------------------ what a program asks

    @property
    def difference(self) -> Difference:
        """What was counted of A and B, on the full pictures; waits until it is."""
        assert self._work is not None
        return self._work.difference()

    def words(self) -> str:
        """What changed, and with a mask what changed outside it, in words; waits until it is counted."""
        return words(self.difference, self.threshold)

    def side_by_side(self) -> Image:
        """All pictures beside one another, each under its label."""
        return side_by_side(self._pictures, longest_px=1024)

    def split(self, position: float | None = None) -> Image:
        """A up to the divider and B from there on, at A's full size."""
        a, b = self._both()
        where = self.position if position is None else position
        return split(a, b, where, turned=self.turned, match=self.match)

    def animation(self, kind: Literal["gif", "webp"] = "gif") -> bytes:
        """The divider going over the pictures and back, small, as a GIF or WebP file."""
        if kind not in ("gif", "webp"):
            raise InputError(f"kind is {kind!r}; it takes 'gif' or 'webp'.", field="kind")
        return animation(*self._both(), kind, match=self.match)

    def save(self, path: str | Path, what: Kind | None = None) -> Path:
        """Write `side`, `split`, `gif` or `webp` to a file; by its ending if it is not said, else side by side."""
        goal = Path(path).expanduser()
        ending = goal.suffix[1:].lower()
        what = what or ("gif" if ending == "gif" else "webp" if ending == "webp" else "side")
        try:
            goal.write_bytes(self._file(what))
        except OSError as problem:
            raise InputError(f"{goal} cannot be written: {problem.strerror}.", field="path") from problem
        return goal

    def _file(self, what: str) -> bytes:
        if what in ("gif", "webp"):
            return self.animation("gif" if what == "gif" else "webp")
        if what not in ("side", "split"):
            raise InputError(f"what is {what!r}; it takes 'side', 'split', 'gif' or 'webp'.", field="what")
        return encode_png(self.side_by_side() if what == "side" else self.split())

    def _both(self) -> tuple[Picture, Picture]:
        return self._pictures[self.pair[0]], self._pictures[self.pair[1]]

    # ------------------------------------------------------------------ how it shows

    def __repr__(self) -> str:
        named = " | ".join(f"{p.label} {p.size[0]}×{p.size[1]}" for p in self._pictures)
        return f"Compare({named})"

    def _repr_mimebundle_(self, **options: Any) -> Any:
        live = super()._repr_mimebundle_(**options)
        # One line of the base gives a pair with metadata, another the data alone.
        data, metadata = live if isinstance(live, tuple) else (live or {}, {})
        if not self._static:
            self._static = static_png(self._small)
        still = {"text/plain": repr(self), "image/png": base64.b64encode(self._static).decode("ascii")}
        return {**data, **still}, metadata


def compare(
    *pictures: Any,
    mask: Any = None,
    labels: Sequence[str] | None = None,
    mode: str = "slider",
    match: str = "first",
    background: str = "checker",
    kind: str = "heat",
    gain: float = 4.0,
    threshold: int = 0,
    position: float = 0.5,
) -> Compare:
    """Lay pictures together: a slider, side by side, blinking, differences in numbers and more.

    Example:
        >>> rf.compare("before.png", "after.png", mask="mask.png")
        >>> rf.compare(run)  # what it was given, and what it made
        >>> rf.compare({"photo": photo, "cheap": run_1, "dear": run_2})

    Args:
        pictures: Two or more of anything `rf.run` takes as a picture, but links; or one finished run; or names with
            pictures. A run stands for its first picture.
        mask: What was meant to change (white), in the first picture's size; a run brings its own.
        labels: One for each picture.
        mode: slider, hover, side, grid, flip, overlay, difference or checker.
        match: What to do about other sizes: first (scale to the first), fit (scale to the frame), native.
        background: Under transparency: checker, white, black, #rrggbb, or alpha to see the alpha alone.
        kind: How differences are drawn: heat, absolute or signed.
        gain: By how much differences are made stronger, 1 to 64.
        threshold: Differences up to this, of 255, count as none.
        position: Where the divider stands, 0 to 1.

    Raises:
        InputError: Something is no picture, or there is only one.
        OutputError: A run is not over, or made no picture.
    """
    options = {
        "mode": _one_of("mode", mode, MODES),
        "match": _one_of("match", match, MATCHES),
        "kind": _one_of("kind", kind, KINDS),
        "gain": _within("gain", gain, 1, 64),
        "threshold": _whole("threshold", threshold, 0, 254),
        "position": _within("position", position, 0, 1),
        "background": _background(background),
    }
    opened, found = read_pictures(pictures, labels)
    return Compare(opened, mask=_mask(mask, found, opened[0]), **options)


def _glimpse(picture: Picture) -> tuple[Picture, bytes]:
    small = glimpse(picture.image)
    return replace(picture, image=small), preview(small, QUICK_PX)


def _described(picture: Picture) -> dict[str, Any]:
    width, height = picture.size
    return {
        "label": picture.label,
        "facts": picture.facts,
        "width": width,
        "height": height,
        "alpha": picture.has_alpha,
    }


def _mask(given: Any, found: Any, picture: Picture) -> Image | None:
    if given is not None:
        return read_mask(given, picture.size)
    if found is None:
        return None
    try:
        return read_mask(found, picture.size)
    except InputError:
        # Nobody asked for it: a run's own mask that cannot be read only goes without the help of it.
        return None


def _one_of(name: str, value: str, known: tuple[str, ...]) -> str:
    if value not in known:
        raise InputError(f"{name} is {value!r}; it takes {', '.join(known)}.", field=name)
    return value


def _within(name: str, value: float, least: float, most: float) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not least <= value <= most:
        raise InputError(f"{name} is {value!r}; it takes a number from {least:g} to {most:g}.", field=name)
    return float(value)


def _whole(name: str, value: int, least: int, most: int) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
        raise InputError(f"{name} is {value!r}; it takes a whole number from {least} to {most}.", field=name)
    return value


def _background(value: Any) -> str:
    from PIL import ImageColor

    if value in ("checker", "alpha"):
        return str(value)
    try:
        red, green, blue = ImageColor.getrgb(value)[:3]
    except (ValueError, AttributeError, TypeError):
        raise InputError(
            f"background is {value!r}; it takes checker, alpha or a colour such as white or #336699.",
            field="background",
        ) from None
    return value if value in ("white", "black") else f"#{red:02x}{green:02x}{blue:02x}"
