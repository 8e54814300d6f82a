"""What the page gets of large pictures: a small one at once, and sharp pieces of what is looked at."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any, Final

from ..images import Maps, maps
from .compare_pictures import Laid, Picture

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from PIL.Image import Image

#: The longer side of the preview that is made before the widget is shown, and of the one that follows it.
QUICK_PX: Final = 1024
PREVIEW_PX: Final = 2048
#: The longer side of the maps of differences.
MAP_PX: Final = 1024
#: A tile is this wide and high in the level it belongs to; each level halves the one before.
TILE_PX: Final = 512


def preview(image: Image, longest_px: int) -> bytes:
    """The whole picture as WebP, at most so large; small pictures as they are, to the last bit."""
    small = shrunk(image, longest_px)
    # Pixel art and icons suffer most from lossy compression, and gain least from it.
    return as_webp(small, lossless=max(image.size) <= 256)


def shrunk(image: Image, longest_px: int) -> Image:
    """A smaller copy, made quickly also of very large pictures: whole factors first, the rest then."""
    from PIL import Image as Pillow

    scale = longest_px / max(image.size)
    if scale >= 1:
        return image
    size = max(1, round(image.width * scale)), max(1, round(image.height * scale))
    return image.resize(size, Pillow.Resampling.HAMMING, reducing_gap=1.0)


def glimpse(image: Image) -> Image:
    """A small copy for the first moment: of very large pictures, only some of the pixels are looked at."""
    from PIL import Image as Pillow

    most = 3 * QUICK_PX
    scale = most / max(image.size)
    if scale < 0.75:
        size = max(1, round(image.width * scale)), max(1, round(image.height * scale))
        image = image.resize(size, Pillow.Resampling.NEAREST)
    return shrunk(image, QUICK_PX)


def as_webp(image: Image, *, lossless: bool = False) -> bytes:
    """Write a WebP quickly, with the colour profile if there is one."""
    options: dict[str, Any] = {"lossless": True, "quality": 20, "method": 0} if lossless else {"quality": 85}
    if profile := image.info.get("icc_profile"):
        options["icc_profile"] = profile
    buffer = io.BytesIO()
    image.save(buffer, "WEBP", **{"method": 1, **options})
    return buffer.getvalue()


def mask_png(mask: Image) -> bytes:
    """The mask, small and exact in black and white; where anything is marked, its block is."""
    import numpy as np
    from PIL import Image as Pillow

    factor = max(1, -(-max(mask.size) // MAP_PX))
    values = np.asarray(mask.reduce(factor) if factor > 1 else mask)
    buffer = io.BytesIO()
    Pillow.fromarray(np.where(values > 127, 255, 0).astype(np.uint8)).convert("1").save(buffer, "PNG")
    return buffer.getvalue()


def tile(image: Image, level: int, column: int, row: int) -> bytes | None:
    """One piece of a picture, in the size that level 0 (full), 1 (half), … has; None beyond its edge."""
    box = _box(image.size, level, column, row)
    if box is None:
        return None
    part = image.crop(box)
    if level:
        part = part.reduce(2**level)
    part.info = {name: value for name, value in image.info.items() if name == "icc_profile"}
    return as_webp(part)


def map_tile(laid: Laid, mask: NDArray[np.bool_] | None, column: int, row: int) -> tuple[bytes, ...] | None:
    """One piece of the maps of differences at full size."""
    box = _box(laid.box[2:], 0, column, row)
    if box is None:
        return None
    part = None if mask is None else mask[box[1] : box[3], box[0] : box[2]]
    return map_images(maps(*laid.arrays(box), part, longest_px=TILE_PX))


def map_images(found: Maps) -> tuple[bytes, ...]:
    """The maps as lossless WebP, in the order absolute, signed and, with a mask, outside."""
    from PIL import Image as Pillow

    layers = [found.absolute, found.signed, *([found.outside] if found.outside is not None else [])]
    return tuple(as_webp(Pillow.fromarray(layer), lossless=True) for layer in layers)


def patch(image: Image, x: int, y: int, reach: int) -> bytes:
    """The pixels around one, (2·reach+1)² of them as RGBA; beyond the edge they are transparent."""
    from PIL import Image as Pillow

    side = 2 * reach + 1
    found = Pillow.new("RGBA", (side, side), (0, 0, 0, 0))
    left, top = max(0, x - reach), max(0, y - reach)
    right, bottom = min(image.width, x + reach + 1), min(image.height, y + reach + 1)
    if left < right and top < bottom:
        found.paste(image.crop((left, top, right, bottom)).convert("RGBA"), (left - x + reach, top - y + reach))
    return found.tobytes()


def patch_of(picture: Picture, frame: Picture, match: str, at: tuple[int, int], reach: int) -> tuple[bytes, list[int]]:
    """The pixels of a picture that lie where `at` is in the frame's own, and where that is in the picture."""
    x, y = place_in(picture.size, frame.size, match, at)
    return patch(picture.image, x, y, reach), [x, y]


def place_in(size: tuple[int, int], frame: tuple[int, int], match: str, at: tuple[int, int]) -> tuple[int, int]:
    """Where a pixel of the frame lies in a picture of `size` that is matched to it, centre on centre."""
    scale = 1.0 if match == "native" else min(frame[0] / size[0], frame[1] / size[1])
    x, y = ((at[i] + 0.5 - frame[i] / 2) / scale + size[i] / 2 for i in (0, 1))
    return int(x // 1), int(y // 1)


def _box(size: tuple[int, int], level: int, column: int, row: int) -> tuple[int, int, int, int] | None:
    if not (0 <= level <= 8 and column >= 0 and row >= 0):
        return None
    side = TILE_PX * 2**level
    left, top = column * side, row * side
    if left >= size[0] or top >= size[1]:
        return None
    return left, top, min(size[0], left + side), min(size[1], top + side)
