"""What was counted of a comparison, in words and as a table for people."""

from __future__ import annotations

import math
from fractions import Fraction
from typing import Any, Final

from ..images import Difference, Part
from .compare_pictures import Picture

#: From here on, of 255, a difference can be seen on a plain surface.
VISIBLE: Final = 8


def words(found: Difference, threshold: int = 0) -> str:
    """The answer to "what changed outside my mask?", or without a mask, to "what changed?"."""
    if found.outside is None or found.inside is None:
        if found.whole.maximum == 0:
            return "Nothing changed: the pictures are equal, pixel for pixel."
        return _sentence(found.whole, threshold, "of the pixels")
    inside = f"Inside it, {percent(found.inside.changed(threshold))} changed."
    if found.outside.maximum == 0:
        return f"Nothing changed outside the mask. {inside}"
    return f"{_sentence(found.outside, threshold, 'of the pixels outside the mask')} {inside}"


def _sentence(part: Part, threshold: int, of_what: str) -> str:
    share = part.changed(threshold)
    limit = f" by more than {threshold}" if threshold else ""
    if not share:
        return f"None {of_what} changed{limit}; by {_steps(part.maximum)} of 255 at most."
    text = f"{percent(share)} {of_what} changed{limit}, by {_steps(part.maximum)} of 255 at most."
    visible = part.changed(max(threshold, VISIBLE))
    if not visible:
        return f"{text} That is too little to be seen."
    # Said only where most of the changes are invisible noise, as after saving as JPEG.
    return text if visible > 0.8 * share else f"{text} Only {percent(visible)} changed by more than {VISIBLE}."


def percent(share: float) -> str:
    """A share as people read it; a few changed pixels are never rounded to none, nor nearly all to all."""
    if share in (0, 1):
        return f"{share:.0%}".replace("%", " %")
    if share < 0.0001:
        return "under 0.01 %"
    if share > 0.9999:
        return "over 99.99 %"
    digits = 2 if share < 0.01 or share > 0.99 else 1 if share < 0.1 else 0
    return f"{100 * share:.{digits}f} %"


def _steps(value: float) -> str:
    return f"{value:.0f}" if value >= 10 or value == int(value) else f"{value:.2g}"


def table(found: Difference, threshold: int = 0) -> dict[str, Any]:
    """The numbers for the widget's footer: columns, and rows with a name, its meaning and a text for each column."""
    parts = {"whole": found.whole, "inside mask": found.inside, "outside mask": found.outside}
    shown = {name: part for name, part in parts.items() if part is not None}
    limit = f"more than {threshold} of 255" if threshold else "at all"
    psnr = "∞ (equal)" if math.isinf(found.psnr_db) else f"{found.psnr_db:.1f} dB"
    blank = [""] * (len(shown) - 1)
    return {
        "columns": list(shown),
        "rows": [
            [
                "Changed",
                f"Share of pixels that differ {limit}",
                *(percent(p.changed(threshold)) for p in shown.values()),
            ],
            ["Max", "Largest difference of a channel, 0 to 255", *(_steps(p.maximum) for p in shown.values())],
            ["Mean", "Mean difference of the channels, 0 to 255", *(f"{p.mean:.2f}" for p in shown.values())],
            ["PSNR", "Peak signal to noise; above 40 dB hard to see", psnr, *blank],
            ["SSIM", "Structural similarity of the brightness; 1 is equal", f"{found.ssim:.4f}", *blank],
        ],
    }


def remarks_on(pictures: list[Picture], pair: tuple[int, int], match: str) -> list[str]:
    """What was done on purpose and should not surprise: sizes, shapes, frames, bits."""
    first, second = (pictures[index] for index in pair)
    found = [f"{picture.label}: {', '.join(picture.notes)}." for picture in (first, second) if picture.notes]
    if first.size == second.size:
        return found
    ways = {
        "first": f"{second.label} is scaled to {first.label}",
        "fit": "each is shown as large as the frame takes",
        "native": "both are laid centre on centre, pixel for pixel",
    }
    found.append(f"The sizes differ: {_size(first)} and {_size(second)}; {ways[match]}.")
    # Rounding a side to whole pixels changes the shape by less than this.
    if abs(first.size[0] / first.size[1] / (second.size[0] / second.size[1]) - 1) > 0.01:
        found.append(
            f"The shapes differ too ({_shape(first)} and {_shape(second)}): nothing is stretched, and only what both "
            "cover is counted."
        )
    return found


def _size(picture: Picture) -> str:
    return f"{picture.size[0]}×{picture.size[1]}"


def _shape(picture: Picture) -> str:
    exact = Fraction(*picture.size)
    near = exact.limit_denominator(20)
    return f"{near.numerator}:{near.denominator}" if exact == near else f"{picture.size[0] / picture.size[1]:.2f}:1"
