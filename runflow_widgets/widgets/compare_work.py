"""The work behind a compare view, done off the main thread: sharper previews, the count, and what the page asks for.

A callback may arrive on any thread, and a running cell may hold the main one; so every answer is computed by the
portal's helpers and sent from there. A request that the page has replaced meanwhile is dropped.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import threading
import weakref
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final

from ..errors import RunflowError
from ..images import Difference, encode_png, maps, measure
from ..portal import Job, shared
from .compare_pictures import Laid, Picture, lay
from .compare_previews import MAP_PX, PREVIEW_PX, QUICK_PX, map_images, map_tile, patch_of, preview, tile
from .compare_words import table, words

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from PIL.Image import Image

log = logging.getLogger("runflow_widgets")

#: How long the heavy work lets the page come first; it starts sooner when the page has drawn or somebody waits.
PAUSE_S: Final = 1.0
#: Pixels on each side of the one under the loupe.
REACH: Final = 6
_NAMES: Final = {"split": "split.png", "side": "side-by-side.png", "gif": "compare.gif", "webp": "compare.webp"}

Pair = tuple[int, int, str]


class CompareWork:
    """What one compare view has others compute for it; `view` is the widget, of which only traits are written."""

    def __init__(self, view: Any, pictures: list[Picture], mask: Image | None) -> None:
        # Weakly, or a view that is no longer shown would live as long as its work.
        self._view: weakref.ref[Any] = weakref.ref(view)
        self._pictures = pictures
        self._mask_image = mask
        self._counted: dict[Pair, tuple[Difference, dict[str, Any]]] = {}
        self._jobs: dict[Pair, Job[None]] = {}
        self._kept: dict[Pair, tuple[Laid, NDArray[np.bool_] | None]] = {}
        self._lock, self._laying = threading.Lock(), threading.Lock()
        self._newest: dict[str, int] = {}
        self._sharper: Job[None] | None = None
        self._may_start = asyncio.Event()

    # ------------------------------------------------------------------ previews and numbers

    def begin(self) -> None:
        """Count the pair that is chosen now, and the first time, make the previews sharper."""
        view = self._view()
        if view is None:
            return
        if self._sharper is None:
            self._sharper = self._submit_later(self._sharpen)
        pair = self._pair(view)
        with self._lock:
            if pair not in self._jobs:
                self._jobs[pair] = self._submit_later(self._count, pair)
        self._show(pair)

    def difference(self) -> Difference:
        """What was counted of the pair that is chosen now; waits for it."""
        view = self._view()
        assert view is not None
        pair = self._pair(view)
        shared().soon(self._may_start.set)
        self._jobs[pair].result()
        return self._counted[pair][0]

    def say(self) -> None:
        """Tell the page anew what was counted: the threshold is another."""
        view = self._view()
        if view is not None:
            self._show(self._pair(view))

    def _sharpen(self) -> None:
        if all(max(picture.size) <= QUICK_PX for picture in self._pictures):
            return
        previews = [preview(picture.image, PREVIEW_PX) for picture in self._pictures]
        if (view := self._view()) is not None:
            view.previews = previews

    def _count(self, pair: Pair) -> None:
        laid, mask = self._laid(pair)
        first, second = laid.arrays()
        images = map_images(maps(first, second, mask, longest_px=MAP_PX))
        drawn = dict(zip(("absolute", "signed", "outside"), images, strict=False))
        self._counted[pair] = measure(first, second, mask), {"pair": list(pair[:2]), "box": list(laid.box), **drawn}
        self._show(pair)

    def _laid(self, pair: Pair) -> tuple[Laid, NDArray[np.bool_] | None]:
        """The two on one another, and the part of the mask that lies over both; the newest pair's are kept."""
        with self._laying:
            if pair not in self._kept:
                before, after = self._pictures[pair[0]], self._pictures[pair[1]]
                laid = lay(before, after, pair[2])
                mask, (x, y, width, height) = self._mask(before), laid.box
                part = None if mask is None else mask[y : y + height, x : x + width]
                self._kept = {pair: (laid, part)}
            return self._kept[pair]

    def _show(self, pair: Pair) -> None:
        view = self._view()
        # The page may have chosen another pair while this one was counted.
        if view is None or pair != self._pair(view):
            return
        counted = self._counted.get(pair)
        with view.hold_sync():
            if counted is None:
                view.says, view.numbers, view.maps = "", {}, {}
                return
            view.says = words(counted[0], view.threshold)
            view.numbers = table(counted[0], view.threshold)
            if view.maps != counted[1]:
                view.maps = counted[1]

    def _mask(self, before: Picture) -> NDArray[np.bool_] | None:
        """The mask in the frame of A, which need not be the picture that it was made for."""
        import numpy as np
        from PIL import Image as Pillow

        if self._mask_image is None:
            return None
        mask = self._mask_image
        if mask.size != before.size:
            mask = mask.resize(before.size, Pillow.Resampling.NEAREST)
        found: NDArray[np.bool_] = np.asarray(mask) > 127
        return found

    @staticmethod
    def _pair(view: Any) -> Pair:
        return view.pair[0], view.pair[1], view.match

    # ------------------------------------------------------------------ what the page asks for

    def answer(self, content: dict[str, Any]) -> None:
        """Have a request of the page answered."""
        answers: dict[str, Callable[[dict[str, Any]], None]] = {
            "tiles": self._tiles,
            "pixels": self._pixels,
            "file": self._file,
        }
        if content.get("do") == "drawn":
            shared().soon(self._may_start.set)
        answer = answers.get(str(content.get("do")))
        if answer is None:
            return
        if "turn" in content:
            # Numbered by the view that asks, so that an older request can be given up.
            self._newest[f"{content.get('view')}/{content['do']}"] = int(content["turn"])
        self._submit(answer, content)

    def _is_old(self, content: dict[str, Any]) -> bool:
        return self._newest.get(f"{content.get('view')}/{content['do']}") != content.get("turn")

    def _tiles(self, content: dict[str, Any]) -> None:
        for layer, level, column, row in content["tiles"]:
            if self._is_old(content):
                return
            data = self._tile(layer, int(level), int(column), int(row))
            if data is not None:
                self._send({"is": "tile", "tile": [layer, level, column, row]}, list(data))

    def _tile(self, layer: str, level: int, column: int, row: int) -> tuple[bytes, ...] | None:
        view = self._view()
        if view is None:
            return None
        if layer == "maps":
            laid, mask = self._laid(self._pair(view))
            return map_tile(laid, mask, column, row)
        data = tile(self._pictures[int(layer)].image, level, column, row)
        return None if data is None else (data,)

    def _pixels(self, content: dict[str, Any]) -> None:
        view = self._view()
        if view is None or self._is_old(content):
            return
        frame = self._pictures[int(content["frame"])]
        at = int(content["at"][0]), int(content["at"][1])
        found = [patch_of(picture, frame, view.match, at, REACH) for picture in self._pictures]
        facts = {"is": "pixels", "at": list(at), "frame": content["frame"], "where": [where for _, where in found]}
        self._send({**facts, "reach": REACH}, [data for data, _ in found])

    def _file(self, content: dict[str, Any]) -> None:
        view = self._view()
        if view is None:
            return
        what = str(content.get("what"))
        try:
            if what.isdecimal():
                picture = self._pictures[int(what)]
                name, data = f"{_file_name(picture.label)}.png", encode_png(picture.image)
            else:
                name, data = _NAMES.get(what, what), view._file(what)
        except RunflowError as error:
            self._send({"is": "problem", "says": str(error)}, [])
            return
        self._send({"is": "file", "view": content.get("view"), "name": name}, [data])

    def _send(self, content: dict[str, Any], buffers: list[bytes]) -> None:
        if (view := self._view()) is not None:
            view.send(content, buffers)

    def _submit(self, work: Callable[..., None], *arguments: Any) -> Job[None]:
        return shared().submit(asyncio.to_thread(self._guarded, work, *arguments))

    def _submit_later(self, work: Callable[..., None], *arguments: Any) -> Job[None]:
        async def wait_and_work() -> None:
            # Waited for here, and not on a helper: those are few, and a page may open many views at once.
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._may_start.wait(), PAUSE_S)
            await asyncio.to_thread(self._guarded, work, *arguments)

        return shared().submit(wait_and_work())

    def _guarded(self, work: Callable[..., None], *arguments: Any) -> None:
        try:
            work(*arguments)
        except Exception as error:
            # Nobody sees what goes wrong on this thread, so the view says it itself.
            log.exception("a compare view could not finish its work")
            if (view := self._view()) is not None:
                view.notes = [*view.notes, f"Something went wrong in the kernel: {type(error).__name__}: {error}"]
            raise


def _file_name(label: str) -> str:
    kept = "".join(sign if sign.isalnum() or sign in " -_." else "-" for sign in label).strip(" .-")
    return kept or "picture"
