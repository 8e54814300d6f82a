"""The runs on record as pictures: looked through, starred, compared, and taken up again."""

from __future__ import annotations

import threading
import weakref
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import ipywidgets
import traitlets as t

from ..errors import InputError, RunflowError
from ..images import open_image, thumbnail_webp
from ..ledger import Entry, Ledger, watch_records
from ..local_copy import delete_copies
from ..running import Run
from ..session import Session, opened
from ..wire import Json
from . import gallery_acts as acts
from .background import Background
from .form import ModelForm
from .gallery_list import GalleryList
from .gallery_messages import GalleryMessages
from .gallery_still import still_html
from .gallery_words import details_of, picture_of
from .own_widget import OwnVBox, OwnWidget

_STATIC: Final = Path(__file__).parent / "static"
_PREVIEW_PX: Final = 640


class Gallery(OwnWidget):
    """Look through the runs on record, the newest first; `gallery.value` is the chosen `Run`.

    Runs of this kernel appear and change by themselves, those of others when it is shown or refreshed. What is opened
    from here, a comparison, a mask pad or a form, stands below it and is `gallery.below`.

    Example:
        >>> gallery = rf.Gallery(search="shirt")
        >>> gallery
        >>> gallery.value.image

    Args:
        form: A form of yours that inputs are brought into; without one, a form opens below.
        session: Where runs go, and whose record is shown; by default what `rf.connect` last opened.
        search: Words that the runs must have in their inputs, model, key or id.
        filters: What else they must be: model, state (done, open, failed, cancelled), starred, since (today, week,
            month), least and most (in US dollars).
    """

    _esm = _STATIC / "gallery.js"
    _css = _STATIC / "gallery.css"

    search = t.Unicode().tag(sync=True)
    """The words that are looked for."""
    filters = t.Dict().tag(sync=True)
    """What else is asked for."""
    count = t.Int(0).tag(sync=True)
    """How many runs fit."""
    total = t.Int(0).tag(sync=True)
    """How many are on record."""
    version = t.Int(0).tag(sync=True)
    """Grows when something of the list changed; the page then asks for what it shows."""
    models = t.List(t.Unicode()).tag(sync=True)
    """The models that were ever run, the most used first."""
    selected = t.Unicode().tag(sync=True)
    """The key of the chosen run; empty if none is."""
    details = t.Dict().tag(sync=True)
    """What is known of the chosen run."""
    picture = t.Bytes(b"").tag(sync=True)
    """Its first result, at most 640 px, as WebP."""
    code = t.Unicode().tag(sync=True)
    """Its code, once it was asked for."""
    pair = t.List(t.Unicode(), ["", ""], minlen=2, maxlen=2).tag(sync=True)
    """The keys of the runs that were picked as A and B."""
    pair_names = t.List(t.Unicode(), ["", ""]).tag(sync=True)
    """What they are called."""
    totals = t.Unicode().tag(sync=True)
    """What was spent, in a line."""
    sums = t.List(t.List(t.Unicode())).tag(sync=True)
    """What was spent on each model this month, once it was asked for."""
    says = t.Unicode().tag(sync=True)
    """What was done last, or why not."""
    failed = t.Bool(default_value=False).tag(sync=True)
    """Whether that is bad news."""
    ask = t.Dict().tag(sync=True)
    """A question before something is done: what it is about (`do`), its `text`, and the word for `yes`."""
    beneath = t.Unicode().tag(sync=True)
    """What is opened below; empty if nothing is."""

    value = t.Instance(Run, allow_none=True)
    """The chosen run, or None."""

    def __init__(
        self,
        *,
        form: ModelForm | None = None,
        session: Session | None = None,
        search: str = "",
        filters: Mapping[str, Any] | None = None,
    ) -> None:
        self._session, self._given_form = session, form
        self._own_form: ModelForm | None = None
        self._frame: ipywidgets.VBox | None = None
        self._below: ipywidgets.Widget | None = None
        self._lock = threading.RLock()
        self._stale_lock = threading.Lock()
        self._stale = self._closed = self._choosing = False
        self._background = Background(lambda _: None, lambda sentence: self._say(sentence, failed=True))
        # Looking is not connecting: without a session, the record is read all the same.
        known = session or opened()
        ledger = Ledger() if known is None else known.ledger
        self._own_ledger = ledger if known is None else None
        self._list = GalleryList(ledger, self._send_page, self._background)
        super().__init__(search=search, filters=dict(filters or {}))
        self.refresh()
        self.on_msg(GalleryMessages(self))
        # Weakly, or a gallery that is no longer shown would live as long as the kernel.
        reference = weakref.ref(self)

        def tell(path: Path, key: str) -> None:
            gallery = reference()
            if gallery is None:
                unwatch()
            elif path == gallery._list.ledger.path:
                gallery._changed(key)

        self._unwatch = unwatch = watch_records(tell)

    # ------------------------------------------------------------------ what a program asks

    @property
    def below(self) -> ipywidgets.Widget | None:
        """What was opened from here: a `Compare`, a `MaskPad` or a `ModelForm`."""
        return self._below

    def refresh(self) -> None:
        """Look at the record again, also for what other kernels wrote into it."""
        with self._stale_lock:
            self._stale = False
        with self._lock:
            count = self._list.find(self.search, self.filters)
            ledger = self._list.ledger
            with self.hold_sync():
                self.count, self.total, self.models = count, len(ledger.keys()), ledger.models()
                self.totals = self._list.totals()
                self.version += 1
            self._tell_details()

    def choose(self, key_or_id: str) -> Run | None:
        """Choose a run by its key or id; "" chooses none."""
        with self._lock:
            entry = self._entry(key_or_id) if key_or_id else None
            self._choosing = True
            with self.hold_sync():
                self.selected = entry.key if entry is not None else ""
                self.code, self.ask, self.picture = "", {}, b""
                self._tell_details()
            self._choosing = False
            self.value = acts.run_of(entry, self._session) if entry is not None else None
            if entry is not None:
                self._background.quietly(lambda: self._show_picture(entry))
            return self.value

    def compare(self, a: str, b: str) -> None:
        """Lay two runs together below, by their keys or ids."""
        self._pick([self._entry(a).key, self._entry(b).key])
        self._compare()

    def to_mask_pad(self) -> None:
        """Open a mask pad below, on the chosen run's first picture."""
        self._open(acts.pad_of(self._chosen()), "Mask pad")

    def to_form(self, part: str = "all") -> None:
        """Bring `all` inputs of the chosen run, or only its `seed` or `prompt`, into the form."""
        if part not in acts.PARTS:
            raise InputError(f"part is {part!r}; it takes 'all', 'seed' or 'prompt'.", field="part")
        entry, form = self._chosen(), self._given_form or self._own_form
        if form is not None:
            said = acts.fill(form, entry, part)
        else:
            form, said = acts.form_of(entry, self._session, part)
            self._own_form = form
        if form is not self._given_form:
            self._open(form, "Form")
        self._say(said)

    def run_again(self) -> Run:
        """Run the chosen run once more: a new run, and a new price; the page asks before, this does not.

        Raises:
            InputError: A file among its inputs was not kept.
            BudgetError: The limit set with `rf.budget` would be passed.
        """
        return self._take(acts.run_again(self._chosen(), self._session))

    def resume(self) -> Run:
        """Follow the chosen run again, if it is still open at the service that is connected."""
        return self._take(acts.resume(self._chosen(), self._session))

    def delete_files(self) -> None:
        """Delete the chosen run's results from this machine; the run stays on record."""
        delete_copies(self._list.ledger, self._chosen())
        self.picture = b""
        self._say("The files are deleted; the run stays on record.")

    # ------------------------------------------------------------------ changes

    @t.observe("search", "filters")
    def _other_runs(self, _: object) -> None:
        if self.__dict__.get("_unwatch") is not None:
            self.refresh()

    @t.observe("selected")
    def _other_selected(self, change: Any) -> None:
        # Also written from Python, where a key that is not on record is a mistake.
        if self.__dict__.get("_unwatch") is not None and not self._choosing:
            self.choose(change["new"])

    def _changed(self, _: str) -> None:
        """On whichever thread wrote to the record: look again soon, once for many changes."""
        # The lock of the gallery may be held by somebody who waits for this very thread.
        with self._stale_lock:
            if self._stale or self._closed:
                return
            self._stale = True
        self._background.do("", self.refresh)

    def _tell_details(self) -> None:
        entry = self._list.ledger.get(self.selected) if self.selected else None
        self.details = details_of(entry) if entry is not None else {}

    def _show_picture(self, entry: Entry) -> None:
        path = picture_of(entry)
        if path is None or entry.key != self.selected:
            return
        try:
            picture = thumbnail_webp(open_image(path), _PREVIEW_PX)
        except RunflowError as error:
            self._say(str(error), failed=True)
            return
        with self._lock:
            # Another may have been chosen while this one was opened.
            if entry.key == self.selected:
                self.picture = picture

    def _entry(self, key_or_id: str) -> Entry:
        entry = self._list.ledger.get(key_or_id)
        if entry is None:
            raise InputError(f"No run {key_or_id!r} is on record.", advice="rf.runs() lists those that are.")
        return entry

    def _chosen(self) -> Entry:
        if not self.selected:
            raise InputError("No run is chosen.", advice="gallery.choose(key) chooses one.")
        return self._entry(self.selected)

    def _pick(self, pair: list[str]) -> None:
        names = [acts.label_of(self._entry(key)) if key else "" for key in pair]
        with self.hold_sync():
            self.pair, self.pair_names = pair, names

    def _compare(self) -> None:
        if not all(self.pair):
            raise InputError("Two runs are compared.", advice="Pick one as A and another as B.")
        self._open(acts.compared(*(self._entry(key) for key in self.pair)), "Comparison")

    def _take(self, run: Run) -> Run:
        """Show a run that goes on now."""
        self._say(f"Runs now: {run.model}.")
        self.refresh()
        self.choose(run.key)
        run.watch(lambda run: self._arrived(run) if run.done else None)
        return run

    def _arrived(self, run: Run) -> None:
        self._changed(run.key)
        if run.error is not None:
            self._say(str(run.error), failed=True)
        else:
            self._say(f"Done: {run.model}.")
        if run.key == self.selected:
            entry = self._list.ledger.get(run.key)
            if entry is not None:
                self._background.quietly(lambda: self._show_picture(entry))

    def _say(self, sentence: str, *, failed: bool = False) -> None:
        with self.hold_sync():
            self.says, self.failed = sentence, failed

    def _send_page(self, content: Json, buffers: Sequence[bytes]) -> None:
        self.send(content, list(buffers))

    # ------------------------------------------------------------------ what stands below, and how it shows

    def _open(self, widget: ipywidgets.Widget | None, title: str) -> None:
        before, self._below, self.beneath = self._below, widget, title
        self._arrange()
        if before is not None and before is not widget and before is not self._own_form:
            before.close()

    def _arrange(self) -> None:
        if self._frame is not None:
            self._frame.children = [self, *([self._below] if self._below is not None else [])]

    def _repr_mimebundle_(self, **options: Any) -> Any:
        if self._frame is None:
            self._frame = OwnVBox([])
            self._arrange()
        live = self._frame._repr_mimebundle_(**options)
        data, metadata = live if isinstance(live, tuple) else (live or {}, {})
        still = {"text/plain": repr(self), "text/html": still_html(self._list, self.count, self.totals)}
        return {**data, **still}, metadata

    def close(self) -> None:
        """Close the gallery and what was opened from it; the runs go on."""
        # Also called for a gallery that was never finished.
        if self.__dict__.get("_unwatch") is not None:
            self._closed = True
            self._unwatch()
            self._list.stop()
            self._background.close()
            if self._own_ledger is not None:
                self._own_ledger.close()
            for part in (self._below, self._own_form, self._frame):
                if part is not None:
                    part.close()
        super().close()

    def __repr__(self) -> str:
        return f"Gallery({self.count} of {self.total} runs, {self.selected or 'none'} chosen)"
