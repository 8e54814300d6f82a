"""Opening what an order brings and writing what comes of it, with notes and times taken on the way."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

from ..errors import InputError
from ..images import encode, extension_for, from_array, open_image, read_mask, safe_unzip, sniff_mime, to_array
from .workers import Produced, WorkDone, WorkOrder

if TYPE_CHECKING:
    from PIL.Image import Image

#: Kinds that go out as they came in; anything rarer becomes a PNG.
_KEPT: Final = ("image/png", "image/jpeg", "image/webp")


@dataclass(frozen=True, slots=True)
class Picture:
    """An input as the models want it, and what is needed to write the result in the same manner."""

    rgb: NDArray[np.uint8]
    alpha: NDArray[np.float32] | None
    mime: str
    is_grey: bool
    profile: bytes | None
    data: bytes


@dataclass(slots=True)
class Workbench:
    """One order at work: its inputs on one side, its files, notes and times on the other."""

    order: WorkOrder
    report: Callable[[float, str], None]
    files: list[Produced] = field(default_factory=list)
    log: list[tuple[str, str]] = field(default_factory=list)
    timing: dict[str, float] = field(default_factory=dict)
    seed: int | None = None

    def done(self) -> WorkDone:
        """What is reported back."""
        return WorkDone(tuple(self.files), self.seed, self.timing, tuple(self.log))

    def note(self, sentence: str, *, level: str = "info") -> None:
        """Write a sentence for the person who reads the run's log."""
        self.log.append((level, sentence))

    @contextmanager
    def timed(self, name: str) -> Iterator[None]:
        """Add the time of a step to `timing`, in milliseconds."""
        start = time.perf_counter()
        try:
            yield
        finally:
            self.timing[name] = round(self.timing.get(name, 0.0) + 1000 * (time.perf_counter() - start), 1)

    def picture(self, name: str) -> Picture:
        """Open the picture of a field; `file_input` names it where the field brought a zip."""
        with self.timed("load_ms"), blamed_on(name):
            data = self._file(name)
            if sniff_mime(data) == "application/zip":
                data = self._members(data, "file_input")
            return _opened(data)

    def photo_and_mask(self) -> tuple[Picture, NDArray[np.bool_]]:
        """The photo and the mask of a zip, or of two separate files."""
        separate = "mask_url" in self.order.files
        with self.timed("load_ms"):
            if separate:
                picture, mask, name = self.picture("image_url"), self._file("mask_url"), "mask_url"
            else:
                data, name = self._file("zip_url"), "file_mask"
                with blamed_on("file_input"):
                    picture = _opened(self._members(data, "file_input"))
                mask = self._members(data, "file_mask")
            with blamed_on(name):
                size = (picture.rgb.shape[1], picture.rgb.shape[0])
                return picture, to_array(read_mask(mask, size)) > 0

    def value(self, name: str, *, default: Any = None) -> Any:
        """An input by its dotted name; null counts as not given."""
        value: Any = self.order.inputs
        for part in name.split("."):
            if value is not None and not isinstance(value, dict):
                raise InputError(f"{name.rpartition('.')[0]} must be an object.", field=name.rpartition(".")[0])
            value = (value or {}).get(part)
        return default if value is None else value

    def save(
        self, rgb: NDArray[np.uint8], like: Picture, *, alpha: NDArray[np.float32] | None = None, as_png: bool = False
    ) -> None:
        """Write a result of the same kind as its input, or a PNG where transparency matters."""
        mime = "image/png" if as_png or like.mime not in _KEPT else like.mime
        with self.timed("save_ms"):
            if alpha is not None:
                opacity = np.rint(alpha * 255).astype(np.uint8)
                image = from_array(np.dstack([rgb, opacity]))
            else:
                image = from_array(rgb)
                image = image.convert("L") if like.is_grey else image
            # A grey profile says nothing about colours, so it stays only with grey pixels.
            if like.profile and like.is_grey == (image.mode == "L"):
                image.info["icc_profile"] = like.profile
            self.save_bytes(encode(image, mime), mime, image.size)

    def save_bytes(self, data: bytes, mime: str, size: tuple[int, int]) -> None:
        """Write a file as it is."""
        name = f"result-{len(self.files) + 1}.{extension_for(mime)}"
        (Path(self.order.folder) / name).write_bytes(data)
        self.files.append(Produced(name, mime, *size))

    def _file(self, name: str) -> bytes:
        path = self.order.files.get(name)
        if path is None:
            raise InputError(f"{name} is missing.", field=name)
        return Path(path).read_bytes()

    def _members(self, data: bytes, name: str) -> bytes:
        member = self.value(name)
        if not isinstance(member, str) or not member:
            raise InputError(f"{name} is missing.", field=name, advice="It names the file inside the zip.")
        with blamed_on(name if sniff_mime(data) == "application/zip" else "zip_url"):
            return safe_unzip(data, [member])[member]


@contextmanager
def blamed_on(name: str) -> Iterator[None]:
    """Name the field in an `InputError` that does not name one yet."""
    try:
        yield
    except InputError as problem:
        problem.field = problem.field or name
        raise


def _opened(data: bytes) -> Picture:
    image: Image = open_image(data)
    pixels = to_array(image)
    alpha = None
    if image.mode == "RGBA":
        opacity = pixels[..., 3:].astype(np.float32) / np.float32(255)
        if (opacity < 1).any():
            alpha = opacity[..., 0]
            # Where nothing is seen, any colour may be stored; white is what a product photo has there.
            pixels = np.rint(pixels[..., :3] * opacity + 255 * (1 - opacity)).astype(np.uint8)
    is_grey = image.mode == "L"
    rgb = np.repeat(pixels[..., None], 3, axis=2) if is_grey else np.ascontiguousarray(pixels[..., :3])
    return Picture(rgb, alpha, sniff_mime(data), is_grey, image.info.get("icc_profile"), data)
