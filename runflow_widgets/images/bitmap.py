"""The bitmap itself: opened upright from whatever holds it, and written again."""

from __future__ import annotations

import io
import struct
import sys
import zlib
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from ..errors import InputError
from .excess import excess_of, most_pixels
from .kinds import IMAGE_ENDINGS, KINDS, looks_like, read_data_uri, sniff_mime

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from PIL.Image import Image

MAX_PIXELS: Final = 200_000_000

# What Pillow's readers raise when a file does not hold what its first bytes promise.
# Warnings are among it where somebody has made errors of them.
_DAMAGE: Final = (OSError, SyntaxError, ValueError, EOFError, TypeError, IndexError, KeyError, Warning)
#: Deep greys are brought down this many pixels at a time: as floats they take four times the room.
_BAND_PIXELS: Final = 4_000_000


def is_image_like(value: object) -> bool:
    """Whether `open_image` is worth trying: a bitmap, or bytes or a file that begin like one. Links are not."""
    if _is_pillow(value):
        return True
    if isinstance(value, bytes | bytearray | memoryview):
        return sniff_mime(bytes(value[:16])).startswith("image/")
    if isinstance(value, str) and (value.startswith("data:") or "://" in value):
        return value.startswith("data:image/") and not value.startswith("data:image/svg")
    if isinstance(value, str | Path):
        return _ending(value) in IMAGE_ENDINGS or sniff_mime(_first_bytes(value)).startswith("image/")
    if _is_array(value):
        shape = value.shape  # type: ignore[attr-defined]  # _is_array has seen it
        return len(shape) == 2 or (len(shape) == 3 and shape[2] in (1, 2, 3, 4))
    return callable(getattr(value, "read", None)) and not isinstance(value, io.TextIOBase)


def open_image(source: object, *, max_pixels: int = MAX_PIXELS) -> Image:
    """Open anything image-like as an upright bitmap in mode L, RGB or RGBA.

    A path, bytes, an open binary file, a Pillow image, an array (uint8, bool, uint16, or float from 0 to 1; grey or
    colour with or without alpha), or a data URI. The EXIF orientation is applied and removed; a colour profile that
    still fits stays in `info["icc_profile"]`.

    Example:
        >>> open_image("photo.jpg").mode
        'RGB'
    """
    if _is_pillow(source):
        return _copied(source)
    if _is_array(source):
        return from_array(source)  # type: ignore[arg-type]  # _is_array has seen it
    data, name = _read(source)
    return _decode(data, name, max_pixels)


def from_array(array: NDArray[Any]) -> Image:
    """Make a bitmap of an array; what its numbers mean must be clear, or it is refused."""
    import numpy as np
    from PIL import Image as Pillow

    shape = "×".join(map(str, array.shape)) or "no dimensions"
    if array.ndim not in (2, 3) or (array.ndim == 3 and array.shape[2] not in (1, 2, 3, 4)) or 0 in array.shape:
        raise InputError(
            f"The array has the shape {shape}.",
            advice="A picture is height×width, or height×width×3 (or 4, with alpha).",
        )
    values = array[:, :, 0] if array.ndim == 3 and array.shape[2] == 1 else array
    if values.dtype == np.bool_:
        values = values.astype(np.uint8) * 255
    elif values.dtype == np.uint16:
        values = (values // 257).astype(np.uint8)
    elif np.issubdtype(values.dtype, np.floating):
        lowest, highest = float(np.min(values)), float(np.max(values))
        if not (lowest >= -1e-6 and highest <= 1 + 1e-6):
            raise InputError(
                f"The array holds floats from {lowest:.4g} to {highest:.4g}.",
                advice="Floats must go from 0 to 1; for 0 to 255 use .astype(numpy.uint8).",
            )
        values = (np.clip(values, 0, 1) * 255 + 0.5).astype(np.uint8)
    elif values.dtype != np.uint8:
        raise InputError(f"The array holds {values.dtype}.", advice="Use .astype(numpy.uint8), from 0 to 255.")
    if values.ndim == 3 and values.shape[2] == 2:
        values = np.dstack([values[..., 0]] * 3 + [values[..., 1]])
    return Pillow.fromarray(np.ascontiguousarray(values))


def to_array(image: Image) -> NDArray[np.uint8]:
    """The picture's numbers: uint8, height×width for grey, height×width×3 or ×4 for colour; free to write to."""
    import numpy as np

    return np.array(image if image.mode in ("L", "RGB", "RGBA") else _copied(image), dtype=np.uint8)


def encode_png(image: Image) -> bytes:
    """Write a PNG; the same pixels always give the same bytes."""
    return encode(image, "image/png")


def encode(image: Image, mime: str) -> bytes:
    """Write a file of the given type: JPEG and WebP at quality 95, transparency on white where there is none."""
    if mime not in KINDS:
        raise InputError(f"Pictures cannot be written as {mime}.", advice=f"Possible are {', '.join(KINDS)}.")
    options: dict[str, Any] = {
        # Level 6 takes three times as long and saves a seventh.
        "image/png": {"compress_level": 3},
        "image/jpeg": {"quality": 95, "subsampling": 0},
        "image/webp": {"quality": 95, "method": 4},
    }.get(mime, {})
    bitmap = image if image.mode in ("L", "RGB", "RGBA") else _copied(image)
    if bitmap.mode == "RGBA" and mime in ("image/jpeg", "image/bmp"):
        bitmap = flattened(bitmap, "white")
    if profile := image.info.get("icc_profile"):
        options["icc_profile"] = profile
    buffer = io.BytesIO()
    bitmap.save(buffer, KINDS[mime][1], **options)
    return buffer.getvalue()


def thumbnail(image: Image, longest_px: int) -> Image:
    """A copy whose longer side is at most `longest_px`; small pictures are not blown up."""
    from PIL import Image as Pillow

    if max(image.size) <= longest_px:
        return image.copy()
    # Not by `Image.thumbnail`, which shrinks in place and would need a copy of the whole.
    scale = longest_px / max(image.size)
    width, height = (max(1, round(side * scale)) for side in image.size)
    return image.resize((width, height), Pillow.Resampling.LANCZOS, reducing_gap=2.0)


def thumbnail_webp(image: Image, longest_px: int) -> bytes:
    """A thumbnail as a small WebP, as the widgets send it to their pages."""
    buffer = io.BytesIO()
    thumbnail(image, longest_px).save(buffer, "WEBP", quality=85, method=2)
    return buffer.getvalue()


def flattened(image: Image, colour: str) -> Image:
    """Lay an RGBA picture on one colour."""
    from PIL import Image as Pillow

    ground = Pillow.new("RGBA", image.size, colour)
    return Pillow.alpha_composite(ground, image).convert("RGB")


def _is_pillow(value: object) -> bool:
    # A Pillow image cannot exist before Pillow was imported, so nothing needs importing to say no.
    module = sys.modules.get("PIL.Image")
    return module is not None and isinstance(value, module.Image)


def _is_array(value: object) -> bool:
    return hasattr(value, "__array_interface__") and hasattr(value, "dtype") and hasattr(value, "shape")


def _ending(path: str | Path) -> str:
    return Path(path).suffix[1:].lower()


def _first_bytes(path: str | Path) -> bytes:
    try:
        with Path(path).expanduser().open("rb") as file:
            return file.read(16)
    except (OSError, ValueError, RuntimeError):
        return b""


def _read(source: object) -> tuple[bytes, str]:
    """The bytes of a source, and what to call it in a sentence."""
    if isinstance(source, bytes | bytearray | memoryview):
        return bytes(source), "The data"
    if isinstance(source, str) and source.startswith("data:"):
        return read_data_uri(source)[0], "The data URI"
    if isinstance(source, str) and "://" in source:
        raise InputError(
            "A link is not opened here.", advice="Give the link itself to the model, or download it first."
        )
    if isinstance(source, str | Path):
        return _read_file(source)
    if callable(getattr(source, "read", None)):
        data = source.read()  # type: ignore[attr-defined]  # asked for in the line above
        if not isinstance(data, bytes):
            raise InputError("The file is open as text.", advice='Open it with mode "rb".')
        return data, "The open file"
    raise InputError(
        f"A {type(source).__name__} is not a picture.",
        advice="Give a path, bytes, an open file, a Pillow image, an array or a data URI.",
    )


def _read_file(path: str | Path) -> tuple[bytes, str]:
    try:
        file = Path(path).expanduser()
        return file.read_bytes(), file.name
    except FileNotFoundError:
        raise InputError(f"There is no file {path}.", advice=f"The current folder is {Path.cwd()}.") from None
    except IsADirectoryError:
        raise InputError(f"{path} is a folder.", advice="Give one picture in it.") from None
    except (OSError, ValueError, RuntimeError) as problem:
        reason = getattr(problem, "strerror", None) or str(problem)
        raise InputError(f"{str(path)[:200]} cannot be read: {reason}.") from problem


def _decode(data: bytes, name: str, max_pixels: int) -> Image:
    from PIL import Image as Pillow

    mime = sniff_mime(data)
    if mime not in KINDS:
        raise InputError(
            f"{name} is not a picture: {looks_like(data)}.", advice="PNG, JPEG, WebP, GIF, BMP and TIFF are."
        )
    if too_much := excess_of(data, mime):
        raise InputError(
            f"{name} has {too_much}.", advice="Open and save it with another program, for instance as PNG."
        )
    try:
        Pillow.init()
        # Pillow.open would warn from 89 megapixels on, and warnings cannot be silenced for one thread alone.
        # So its reader is called directly; it reads the header only, and the limit that counts is ours.
        bitmap = Pillow.OPEN[KINDS[mime][1]][0](io.BytesIO(data), "")
        max_pixels = min(max_pixels, most_pixels(bitmap))
        if bitmap.width * bitmap.height > max_pixels:
            raise Pillow.DecompressionBombError
        bitmap.load()
        return _upright(bitmap, name)
    except (Pillow.DecompressionBombError, Pillow.DecompressionBombWarning, MemoryError):
        raise InputError(
            f"{name} has more pixels than are opened safely.", advice=f"The limit is {max_pixels / 1e6:.3g} megapixels."
        ) from None
    except (*_DAMAGE, zlib.error, struct.error) as problem:
        raise InputError(f"{name} is damaged or cut short.", advice="Save or download the picture again.") from problem


def _copied(picture: Any) -> Image:
    """Somebody's Pillow image, upright and plain; it may be one whose file is read only now."""
    from PIL import ImageOps

    try:
        # A plain copy would forget EXIF that was only set, and not saved yet.
        return _upright(ImageOps.exif_transpose(picture), "The picture")
    except InputError:
        raise
    except (*_DAMAGE, zlib.error, struct.error) as problem:
        raise InputError("The picture is damaged or cut short.", advice="Save or download it again.") from problem


def _upright(image: Image, name: str) -> Image:
    """Turn as EXIF says, in place, then bring every mode down to L, RGB or RGBA."""
    from PIL import ImageOps

    if 0 in image.size:
        raise InputError(f"{name} has no pixels: it is {image.width}×{image.height}.")
    # In place: a copy of what was only just opened would take as much room once more.
    ImageOps.exif_transpose(image, in_place=True)
    plain = _plain_mode(image, name)
    # A CMYK profile over RGB numbers would be worse than none.
    fits = (image.mode in ("L", "LA", "I;16")) == (plain.mode == "L") and image.mode not in ("CMYK", "LAB", "YCbCr")
    profile = image.info.get("icc_profile") if fits else None
    plain.info = {"icc_profile": profile} if profile else {}
    return plain


def _plain_mode(image: Image, name: str) -> Image:
    if image.mode in ("I", "F") or image.mode.startswith("I;"):
        return _grey_of_deep(image, name)
    if image.mode in ("LA", "La", "PA", "RGBa") or "transparency" in image.info:
        return image.convert("RGBA")
    if image.mode in ("L", "RGB", "RGBA"):
        return image
    return image.convert("L" if image.mode == "1" else "RGB")


def _grey_of_deep(image: Image, name: str) -> Image:
    """Greys of more than eight bits, band by band."""
    import numpy as np
    from PIL import Image as Pillow

    white = 65535.0
    if not image.mode.startswith("I;"):
        highest = image.getextrema()[1]
        assert isinstance(highest, int | float)
        # Nothing in the file says what white is, so the smallest usual range that holds the values does.
        white = next(
            (top for top in (1.0, 255.0, 65535.0) if highest <= top and (top > 1 or image.mode == "F")), highest
        )
    grey = Pillow.new("L", image.size)
    height = max(1, _BAND_PIXELS // image.width)
    for top in range(0, image.height, height):
        part = image.crop((0, top, image.width, min(top + height, image.height)))
        values = np.asarray(part, dtype=np.float32)
        if not np.isfinite(values).all():
            raise InputError(f"{name} holds numbers that are no brightness (infinite, or none at all).")
        grey.paste(from_array(np.clip(values / np.float32(white), 0, 1)), (0, top))
    return grey
