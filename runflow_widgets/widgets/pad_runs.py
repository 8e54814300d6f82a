"""Running a model from the pad: on a button or after each stroke, with the result to be kept or put away in place."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any, Final

from ..errors import RunflowError
from ..running import Run, start
from ..session import current

if TYPE_CHECKING:
    from PIL.Image import Image

    from .pad_core import PadCore

#: After the last stroke, the pad waits so long for another one before it runs the model by itself.
PAUSE_S: Final = 0.8


class Trials:
    """The runs of one pad, one at a time; a result is shown in place of the photo until it is kept or put away.

    Attributes:
        run: The latest run, or None.
        auto: Whether a run begins by itself after each stroke.
    """

    def __init__(self, pad: PadCore, model: str | None) -> None:
        self._pad, self._model = pad, model
        self.run: Run | None = None
        self._fetched: Run | None = None
        self.auto = False
        self._result: Image | None = None
        self._shows_result = False
        self._stale = False
        self._timer: threading.Timer | None = None
        self._says = ""
        pad.on_change.append(self.mask_changed)

    def asked(self, content: dict[str, Any]) -> None:
        """Do what a button in the pad asks for."""
        what = content.get("what")
        if what == "go":
            self.go()
        elif what == "auto":
            self._pad.confirm(self._warning(), "Run after each stroke", self._begin_auto, ask=self._costs())
        elif what == "manual":
            self.auto = False
        elif what == "accept":
            self.accept()
        elif what == "discard":
            self.discard()
        elif what == "compare":
            self._show(result=not self._shows_result)
        self.tell()

    def go(self) -> None:
        """Run the model on the photo and the mask as they are."""
        pad = self._pad
        if self._model is None or self._is_running:
            return
        if self._result is not None:
            self.discard()
        self._stale = False
        self._says = ""
        self.run = start(self._model, image=pad.image, mask=pad.sheet.picture())
        self.run.watch(self._watched)
        if self.run.done:
            # It may have been over before anybody watched, and then nobody would ever tell.
            self._watched(self.run)
        self.tell()

    @property
    def _is_running(self) -> bool:
        return self.run is not None and not self.run.done

    def mask_changed(self) -> None:
        """Run by itself once no further stroke has come for a moment, if that is wanted."""
        if not self.auto:
            return
        if self._is_running:
            self._stale = True
            return
        if self._timer is not None:
            self._timer.cancel()
        self._timer = threading.Timer(PAUSE_S, self._go_by_itself)
        self._timer.daemon = True
        self._timer.start()

    def _go_by_itself(self) -> None:
        if not self.auto or self._pad.sheet.bbox is None or self._result is not None:
            return
        try:
            self.go()
        except RunflowError as error:
            self.auto = False
            self._pad.tell(str(error), failed=True)
            self.tell()

    def _watched(self, run: Run) -> None:
        if run is not self.run or not run.done or run is self._fetched:
            return
        self._fetched = run
        # On the portal's thread, which must not wait for a picture to be opened and drawn.
        self._pad.background.do("Fetching the result…", lambda: self._finished(run))

    def _finished(self, run: Run) -> None:
        if run.error is not None:
            self._says = ""
            self._pad.tell(str(run.error), failed=True)
        else:
            picture = run.outputs[0].image
            cost = "free: it ran here" if run.is_embedded else f"cost ${run.cost}" if run.cost is not None else ""
            self._says = f"Result · {cost} · {run.outputs[0].path}"
            if picture.size == self._pad.size:
                self._result = picture
                self._show(result=True)
            else:
                self._says += f" ({picture.width}×{picture.height} px, another size than the photo)"
        if self._stale and self._result is None:
            self.mask_changed()
        self.tell()

    def _show(self, *, result: bool) -> None:
        if self._result is not None:
            self._shows_result = result
            self._pad.show_photo(self._result if result else self._pad.image, mask=not result)

    def accept(self) -> None:
        """Go on with the result as the photo, with an empty mask; undo brings the mask back."""
        if self._result is None:
            return
        picture, self._result, self._shows_result = self._result, None, False
        self._pad.change_photo(picture)
        auto, self.auto = self.auto, False
        self._pad.do(self._pad.sheet.clear)
        self.auto = auto
        self.tell()

    def discard(self) -> None:
        """Put the result away; its file stays where the run has saved it."""
        if self._result is not None:
            self._show(result=False)
            self._result = None
        self.tell()

    def tell(self) -> None:
        """Tell the page how things stand."""
        if self._model is None:
            return
        state = "running" if self._is_running else "result" if self._result is not None else "idle"
        self._pad.ink.runs = {
            "model": self._model, "price": self._price(), "auto": self.auto, "state": state, "says": self._says,
        }  # fmt: skip

    def _begin_auto(self) -> None:
        self.auto = True
        self.tell()
        self.mask_changed()

    def _costs(self) -> bool:
        return current().where == "remote"

    def _price(self) -> str:
        assert self._model is not None
        session = current()
        if session.where == "embedded":
            return "free: it runs here"
        return session.catalogue.get(self._model).price_of().text

    def _warning(self) -> str:
        return f"Every stroke then starts a run, and each costs {self._price()}. Go on?"
