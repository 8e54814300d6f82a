"""Pictures of a comparison that go elsewhere: side by side for a page without widgets, split, as an animation."""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final

from ..images import flattened, thumbnail
from .compare_pictures import Picture, scaled_size

if TYPE_CHECKING:
    from PIL.Image import Image

#: The longer side of an animation, and of each picture in the static view.
ANIMATION_PX: Final = 480
STATIC_PX: Final = 420
#: How many frames the divider takes from one side to the other, and how long each is shown.
_STEPS: Final = 10
#: More do not fit above any picture, and each is measured by itself.
_MOST_LETTERS: Final = 300
_STEP_MS: Final = 60
_REST_MS: Final = 700
_GAP_PX: Final = 12
_INK, _PAPER = "#24292f", "#ffffff"


def side_by_side(pictures: Sequence[Picture], longest_px: int = STATIC_PX) -> Image:
    """All pictures in rows of at most four, each under its label; white paper, so that it prints."""
    from PIL import Image as Pillow
    from PIL import ImageDraw

    font = _font(15)
    small = [_on_checkerboard(thumbnail(picture.image, longest_px)) for picture in pictures]
    columns = min(4, len(small)) if len(small) != 4 else 2
    rows = [list(range(start, min(start + columns, len(small)))) for start in range(0, len(small), columns)]
    wide = max(160, *(image.width for image in small))
    head = 24
    heights = [max(small[place].height for place in row) for row in rows]
    sheet = Pillow.new(
        "RGB",
        (columns * wide + (columns - 1) * _GAP_PX, sum(heights) + len(rows) * head + (len(rows) - 1) * _GAP_PX),
        _PAPER,
    )
    draw = ImageDraw.Draw(sheet)
    top = 0
    for row, height in zip(rows, heights, strict=True):
        for column, place in enumerate(row):
            left = column * (wide + _GAP_PX)
            text = " · ".join(filter(None, (pictures[place].label, pictures[place].facts)))
            draw.text((left, top + 3), _shortened(draw, text, font, wide), fill=_INK, font=font)
            sheet.paste(small[place], (left, top + head))
        top += head + height + _GAP_PX
    return sheet


def split(
    before: Picture, after: Picture, position: float = 0.5, *, turned: bool = False, match: str = "first"
) -> Image:
    """The two in one picture of the first one's size, parted where the divider stands by a thin white line."""
    from PIL import ImageDraw

    first, second = frames(before, after, match)
    width, height = first.size
    edge = round(position * (height if turned else width))
    box = (0, edge, width, height) if turned else (edge, 0, width, height)
    if box[0] < width and box[1] < height:
        first.paste(second.crop(box), box[:2])
    if 0 < edge < (height if turned else width):
        line = [(0, edge), (width, edge)] if turned else [(edge, 0), (edge, height)]
        colour = (255,) * len(first.getbands()) if first.mode != "L" else 255
        ImageDraw.Draw(first).line(line, fill=colour, width=max(1, round(max(width, height) / 600)))
    return first


def frames(before: Picture, after: Picture, match: str = "first", longest_px: int | None = None) -> tuple[Image, Image]:
    """Both in the first one's frame and of one mode; what does not reach into it is transparent there."""
    from PIL import Image as Pillow

    size = before.size if longest_px is None else scaled_size(before.size, (longest_px, longest_px))
    if longest_px is not None and max(before.size) <= longest_px:
        size = before.size
    first, second = before.image.copy(), after.image
    if size != before.size:
        first = first.resize(size, Pillow.Resampling.LANCZOS)
    if match == "native":
        ratio = size[0] / before.size[0]
        second_size = tuple(max(1, round(side * ratio)) for side in after.size)
    else:
        second_size = scaled_size(after.size, size)
    if second.size != second_size:
        second = second.resize(second_size, Pillow.Resampling.LANCZOS)  # type: ignore[arg-type]  # two of two
    if second.size != size:
        sheet = Pillow.new("RGBA", size, (0, 0, 0, 0))
        place = ((size[0] - second.width) // 2, (size[1] - second.height) // 2)
        sheet.paste(second.convert("RGBA"), place)
        second = sheet
    mode = "RGBA" if "RGBA" in (first.mode, second.mode) else "L" if first.mode == second.mode == "L" else "RGB"
    return first.convert(mode), second.convert(mode)


def animation(before: Picture, after: Picture, kind: str = "gif", *, match: str = "first") -> bytes:
    """The divider going from one side to the other and back, for a page that shows no widgets; small on purpose."""
    from PIL import Image as Pillow

    first, second = (flattened(frame.convert("RGBA"), "white") for frame in frames(before, after, match, ANIMATION_PX))
    positions = [step / _STEPS for step in (*range(_STEPS + 1), *range(_STEPS - 1, 0, -1))]
    shown = [_parted(first, second, position) for position in positions]
    times = [_REST_MS if position in (0, 1) else _STEP_MS for position in positions]
    buffer = io.BytesIO()
    more = {"save_all": True, "append_images": shown[1:], "duration": times, "loop": 0}
    if kind == "webp":
        shown[0].save(buffer, "WEBP", quality=80, method=2, **more)
    else:
        palette = _palette(first, second)
        # Without dithering, what does not change from frame to frame is stored once.
        indexed = [frame.quantize(palette=palette, dither=Pillow.Dither.NONE) for frame in shown]
        indexed[0].save(buffer, "GIF", **{**more, "append_images": indexed[1:]}, optimize=False)
    return buffer.getvalue()


def static_png(pictures: Sequence[Picture]) -> bytes:
    """What a page without widgets shows: small, for it is kept in the notebook with every output."""
    from PIL import Image as Pillow
    from PIL import ImageColor

    sheet = side_by_side(pictures)
    # Finding 256 colours takes long, and a quarter of the picture has the same ones; but thin letters are lost in it.
    found = sheet.resize((max(1, sheet.width // 4), max(1, sheet.height // 4))).quantize(254).getpalette() or []
    colours = Pillow.new("P", (1, 1))
    colours.putpalette([*found[: 3 * 254], *ImageColor.getrgb(_INK), *ImageColor.getrgb(_PAPER)])
    buffer = io.BytesIO()
    sheet.quantize(palette=colours).save(buffer, "PNG", optimize=True)
    return buffer.getvalue()


def _parted(first: Image, second: Image, position: float) -> Image:
    from PIL import ImageDraw

    # The first is on the left, so the second comes in from the right.
    edge = round((1 - position) * first.width)
    frame = first.copy()
    if edge < first.width:
        frame.paste(second.crop((edge, 0, first.width, first.height)), (edge, 0))
    if 0 < edge < first.width:
        ImageDraw.Draw(frame).line([(edge, 0), (edge, first.height)], fill="white", width=2)
    return frame


def _palette(first: Image, second: Image) -> Image:
    """One palette for all frames; a palette for each would flicker."""
    from PIL import Image as Pillow

    both = Pillow.new("RGB", (first.width * 2, first.height))
    both.paste(first, (0, 0))
    both.paste(second, (first.width, 0))
    return both.quantize(256)


def _on_checkerboard(image: Image) -> Image:
    from PIL import Image as Pillow

    if image.mode != "RGBA":
        return image.convert("RGB")
    ground = Pillow.new("RGBA", image.size, "#ffffff")
    square = Pillow.new("RGBA", (8, 8), "#d5d5d5")
    for top in range(0, image.height, 8):
        for left in range((top // 8 % 2) * 8, image.width, 16):
            ground.paste(square, (left, top))
    return Pillow.alpha_composite(ground, image).convert("RGB")


def _font(size_px: int) -> Any:
    from PIL import ImageFont

    return ImageFont.load_default(size_px)


def _shortened(draw: Any, text: str, font: Any, width_px: int) -> str:
    cut = text[:_MOST_LETTERS]
    if cut == text and draw.textlength(text, font=font) <= width_px:
        return text
    text = cut
    while text and draw.textlength(f"{text}…", font=font) > width_px:
        text = text[:-1]
    return f"{text.rstrip()}…"
