"""What the page of a gallery asks for, and what is asked back before it is done."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ..errors import RunflowError
from ..wire import Json
from . import gallery_acts as acts


class GalleryMessages:
    """Hears the messages of a gallery's page; `gallery` is the widget, in which what goes wrong is said."""

    def __init__(self, gallery: Any) -> None:
        self._gallery = gallery
        self._last_press = ""

    def __call__(self, _: object, content: Json, __: object) -> None:
        """Do what a message asks for."""
        gallery = self._gallery
        if content.get("do") == "look":
            have = [str(key) for key in content.get("have") or []]
            gallery._list.look(int(content.get("first", 0)), int(content.get("last", 0)), have)
            return
        press = str(content.get("press", ""))
        with gallery._lock:
            # The same press told twice, by two views or a comm that repeats, is one.
            if not press or press != self._last_press:
                self._last_press = press
                try:
                    self._do(content)
                except RunflowError as error:
                    gallery._say(str(error), failed=True)
        if press:
            gallery._send_page({"kind": "heard", "press": press}, [])

    def _do(self, content: Json) -> None:
        gallery = self._gallery
        key = str(content.get("key", ""))
        known: dict[str, Callable[[], object]] = {
            "refresh": gallery.refresh,
            "choose": lambda: gallery.choose(key),
            "star": lambda: acts.star(gallery._entry(key), gallery._list.ledger),
            "pick": lambda: self._pick(key, content.get("slot")),
            "unpick": lambda: gallery._pick(["", ""]),
            "compare": gallery._compare,
            "pad": gallery.to_mask_pad,
            "form": lambda: gallery.to_form(str(content.get("part", "all"))),
            "code": lambda: self._write_code(str(content.get("language", "python"))),
            "file": lambda: self._send_file(key, int(content.get("index", 0))),
            "sums": lambda: setattr(gallery, "sums", gallery._list.by_model()),
            "close": lambda: gallery._open(None, ""),
            "resume": gallery.resume,
            "delete": self._ask_to_delete,
            "again": self._ask_to_run,
            "no": lambda: setattr(gallery, "ask", {}),
            "yes": self._answered,
        }
        act = known.get(str(content.get("do")))
        if act is not None:
            act()

    def _pick(self, key: str, slot: object) -> None:
        self._gallery._pick([key if at == slot else one for at, one in enumerate(self._gallery.pair)])

    def _write_code(self, language: str) -> None:
        self._gallery.code = acts.code_of(self._gallery._chosen(), language)

    def _send_file(self, key: str, index: int) -> None:
        name, mime, data = acts.file_of(self._gallery._entry(key), index)
        self._gallery._send_page({"kind": "file", "name": name, "mime": mime}, [data])

    # ------------------------------------------------------------------ asked back

    def _ask_to_delete(self) -> None:
        files = len(self._gallery._chosen().files)
        text = f"Delete {files} file{'s' * (files != 1)} of this run from this machine? The run stays on record."
        self._gallery.ask = {"do": "delete", "text": text, "yes": "Delete"}

    def _ask_to_run(self) -> None:
        """Say the price first, where there is one."""
        gallery = self._gallery
        question = acts.question_before(gallery._chosen(), gallery._session)
        if question:
            gallery.ask = {"do": "again", "text": question, "yes": "Run"}
        else:
            gallery.run_again()

    def _answered(self) -> None:
        gallery = self._gallery
        asked, gallery.ask = gallery.ask.get("do"), {}
        if asked == "delete":
            gallery.delete_files()
        elif asked == "again":
            gallery.run_again()
