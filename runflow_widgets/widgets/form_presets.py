"""What a form can be started from: the model's examples, bundled pictures, and the user's own values."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Final

from .. import samples
from ..catalogue import ModelSpec
from ..errors import RunflowError
from ..filling.presets import Preset, drop_preset, keep_preset, presets_of
from ..images import thumbnail_webp
from ..session import Session
from ..thumbnails import Thumbnails
from .form_core import FormCore
from .sources import open_source

log = logging.getLogger("runflow_widgets")

_THUMB_PX: Final = 96
#: An example larger than this is shown without a picture.
_MOST_BYTES: Final = 20_000_000
#: Bundled pictures that show what a model does, and what goes with them.
_SAMPLES: Final[dict[str, tuple[tuple[str, str, dict[str, Any]], ...]]] = {
    "runflow/tag-removal": (("A mug with a tag", "tagged_mug", {}),),
    "runflow/object-removal": (("A picnic without the ball", "picnic", {}),),
    "runflow/product-isolation": (("A bottle", "perfume", {"aspect_ratio": "1:1", "resolution": "1K"}),),
    "bria/background/remove": (("A plant", "plant", {}), ("A bottle", "perfume", {})),
    "runflow/background-removal": (("A plant", "plant", {}),),
}


class FormPresets:
    """Lists, keeps and fills in the presets of a form's model."""

    def __init__(self, core: FormCore) -> None:
        self._core = core
        self._found: list[Preset] = []
        self._seen = False
        #: Addresses whose pictures were asked for already, whether or not they came.
        self._asked_for: set[str] = set()
        core.on_build.append(self.tell)
        core.head.on_msg(self._asked)

    def tell(self) -> None:
        """Show what there is for the form's model."""
        core = self._core
        try:
            found = [*_bundled(core.spec), *presets_of(core.spec)]
        except RunflowError as error:
            core.tell(str(error), failed=True)
            found = _bundled(core.spec)
        self._found = [_with_kept_thumb(core.spec, preset) for preset in found]
        self._fetch_missing()
        core.head.presets = [{"name": one.name, "own": one.own, "thumb": one.thumb} for one in self._found]

    def _fetch_missing(self) -> None:
        """Fetch pictures of the examples for a form that is looked at, each once, from the service that has them.

        Where runs are computed here, nothing is asked of the network.
        """
        spec = self._core.spec
        missing = [address for one in self._found if not one.thumb and (address := _address(spec, one))]
        missing = [address for address in missing if address not in self._asked_for]
        try:
            session = self._core.session
        except RunflowError:
            # The foot of the form says why there is no connection.
            return
        if self._seen and missing and session.where == "remote":
            self._asked_for.update(missing)
            session.portal.submit(self._fetch(session, missing))

    async def _fetch(self, session: Session, addresses: Sequence[str]) -> None:
        small = Thumbnails()
        for address in addresses:
            try:
                fetched = await session.client.outside.fetch(address, limit_bytes=_MOST_BYTES)
                await asyncio.to_thread(small.keep_of, address, fetched.data)
            except RunflowError as error:
                log.debug("An example stays without a picture: %s", error)
        # On another thread: who has the form's lock may be waiting for the portal.
        await asyncio.to_thread(self._tell_again)

    def _tell_again(self) -> None:
        with self._core.lock:
            self.tell()

    def _asked(self, _: object, content: dict[str, Any], __: object) -> None:
        name = str(content.get("name", ""))
        with self._core.lock:
            try:
                match content.get("do"):
                    case "undo":
                        self._core.undo()
                    case "seen":
                        self._seen = True
                        self._fetch_missing()
                    case "keep":
                        self.keep(name)
                    case "drop":
                        self._drop(name)
                    case "preset":
                        self._fill(name, own=content.get("own") is True)
            except RunflowError as error:
                self._core.tell(str(error), failed=True)

    def _find(self, name: str, *, own: bool) -> Preset | None:
        return next((preset for preset in self._found if preset.name == name and preset.own == own), None)

    def _fill(self, name: str, *, own: bool) -> None:
        preset = self._find(name, own=own)
        if preset is not None:
            self._core.take(preset.values, f"Started from: {name}.")

    def start(self) -> None:
        """Fill in the first picture that comes with the package."""
        for preset in _bundled(self._core.spec)[:1]:
            self._core.take(preset.values, f"Started from: {preset.name}.")

    def keep(self, name: str) -> None:
        """Keep the present values under a name."""
        keep_preset(self._core.spec, name, self._core.answers.value, thumb=self._thumb())
        self.tell()
        self._core.tell(f"Kept as: {name}.")

    def _drop(self, name: str) -> None:
        core, preset = self._core, self._find(name, own=True)
        if preset is None:
            return
        spec = core.spec
        drop_preset(spec, name)
        self.tell()

        def back() -> None:
            keep_preset(spec, name, preset.values, thumb=preset.thumb)
            self.tell()

        core.remember(back)
        core.tell(f"Deleted: {name}.")

    def _thumb(self) -> bytes:
        photo = self._core.sheet.photo()
        # An address may be slow, or be gone; a small picture is not worth waiting for it.
        if photo is None or (isinstance(photo, str) and "://" in photo):
            return b""
        try:
            return thumbnail_webp(open_source(photo)[0], _THUMB_PX)
        except RunflowError:
            return b""


def _with_kept_thumb(spec: ModelSpec, preset: Preset) -> Preset:
    address = _address(spec, preset)
    small = Thumbnails().kept_of(address) if address and not preset.thumb else None
    return replace(preset, thumb=small) if small else preset


def _address(spec: ModelSpec, preset: Preset) -> str:
    """Where the first picture of an example lies; nothing of a preset of one's own is fetched unasked."""
    values = [] if preset.own else [preset.values.get(entry.name) for entry in spec.inputs if entry.is_media]
    each = [one for value in values for one in (value if isinstance(value, list) else [value])]
    return next((one for one in each if isinstance(one, str) and one.startswith(("http://", "https://"))), "")


def _bundled(spec: ModelSpec) -> list[Preset]:
    """Pictures that come with the package: they need neither key nor network."""
    found = []
    for title, sample, more in _SAMPLES.get(spec.id, ()):
        values: dict[str, Any] = {_picture_name(spec): samples.path(sample), **more}
        if spec.takes_mask:
            values["mask"] = samples.path(f"{sample}_mask")
        found.append(Preset(title, values, own=False, thumb=_thumb_of(sample)))
    return found


def _picture_name(spec: ModelSpec) -> str:
    return "image" if spec.takes_mask else "image_url"


def _thumb_of(sample: str) -> bytes:
    if sample not in _thumbs:
        _thumbs[sample] = thumbnail_webp(samples.load(sample), _THUMB_PX)
    return _thumbs[sample]


_thumbs: dict[str, bytes] = {}
