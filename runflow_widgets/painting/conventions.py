"""How a model wants its mask: white, black or transparent where it should work.

Nothing is got wrong more often than this, and a wrong guess is billed like a right one. So what is known stands in
one table, and what is not documented for Runflow is called unconfirmed.
"""

from __future__ import annotations

from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Final, Literal

from ..errors import InputError
from ..images import open_image, pack_mask_zip
from ..images.bitmap import flattened

if TYPE_CHECKING:
    from PIL.Image import Image

    from .sheet import Sheet

LARGEST_FEATHER_PX: Final = 1000


@dataclass(frozen=True, slots=True)
class Convention:
    """What a mask must look like for one model.

    Attributes:
        name: What the area to change is: white, black, or transparent in the photo itself.
        confirmed: Whether this is documented for the model as Runflow offers it.
        note: Where the knowledge comes from, or what is missing, for people.
    """

    name: Literal["white", "black", "alpha"]
    confirmed: bool
    note: str


_FIRST_PARTY: Final = Convention("white", True, "White marks what changes, as Runflow documents.")

#: By the id or a pattern of ids; the first that fits counts.
_KNOWN: Final = {
    "runflow/object-removal": _FIRST_PARTY,
    "runflow/reference-inpaint": _FIRST_PARTY,
    "openai/gpt-image-*": Convention(
        "white",
        False,
        "Unconfirmed: Runflow does not say which colour changes. OpenAI itself takes a transparent area (alpha 0); "
        "try it once before relying on it.",
    ),
    # Without an owner these are OpenAI's own ids, for those who call it directly.
    "gpt-image-*": Convention(
        "alpha", False, "Not a model of Runflow's: OpenAI, called directly, changes what is transparent (alpha 0)."
    ),
    "ideogram/*remove*": Convention(
        "white", False, "Unconfirmed through Runflow: Ideogram itself documents white for removing objects."
    ),
    "ideogram/*": Convention(
        "black",
        False,
        "Unconfirmed through Runflow: Ideogram itself documents black for what changes (3.0 inpaint, 4.5), and asks "
        "for both colours.",
    ),
    "black-forest-labs/*fill*": Convention(
        "white", False, "Unconfirmed through Runflow: Black Forest Labs documents white for FLUX Fill."
    ),
}


def convention_of(model_id: str) -> Convention:
    """What is known of the mask a model takes; white, and unconfirmed, where nothing is."""
    for pattern, convention in _KNOWN.items():
        if fnmatchcase(model_id, pattern):
            return convention
    return Convention(
        "white", False, f"Unconfirmed: nothing is known of how {model_id} reads a mask; white is most usual."
    )


def mask_for(photo: object, sheet: Sheet, model_id: str, *, feather_px: float = 0) -> Image:
    """The mask as that model takes it, as far as it is known; see `convention_of`."""
    name = convention_of(model_id).name
    if name == "alpha":
        return alpha_zero(photo, sheet, feather_px=feather_px)
    return (black_edit if name == "black" else white_edit)(sheet, feather_px=feather_px)


def white_edit(sheet: Sheet, *, feather_px: float = 0) -> Image:
    """The mask in mode L with white where something is to change.

    Args:
        feather_px: How far the edge fades to either side; the mask that is edited stays without greys.
    """
    if not 0 <= feather_px <= LARGEST_FEATHER_PX:
        raise InputError(
            f"An edge cannot be feathered by {feather_px} px.", advice=f"Use 0 to {LARGEST_FEATHER_PX} px."
        )
    from PIL import ImageFilter

    mask = sheet.picture()
    # Two standard deviations hold all of a Gaussian's fall that can be seen.
    return mask.filter(ImageFilter.GaussianBlur(feather_px / 2)) if feather_px else mask


def black_edit(sheet: Sheet, *, feather_px: float = 0) -> Image:
    """The mask in mode L with black where something is to change."""
    from PIL import ImageChops

    return ImageChops.invert(white_edit(sheet, feather_px=feather_px))


def alpha_zero(photo: object, sheet: Sheet, *, feather_px: float = 0) -> Image:
    """The photo in mode RGBA, transparent where something is to change.

    Transparency that the photo itself has is laid on white: left in, it would be taken for a mark.
    """
    picture = _fitting(photo, sheet)
    opaque = flattened(picture, "white") if picture.mode == "RGBA" else picture.convert("RGB")
    opaque.putalpha(black_edit(sheet, feather_px=feather_px))
    return opaque


def to_zip(photo: object, sheet: Sheet) -> bytes:
    """Photo and mask packed as Runflow's own models take them; a mask that marks nothing or all is refused."""
    return pack_mask_zip(_fitting(photo, sheet), sheet.picture())


def _fitting(photo: object, sheet: Sheet) -> Image:
    picture = open_image(photo)
    if picture.size != sheet.size:
        raise InputError(
            f"The photo is {picture.width}×{picture.height} px, but the mask is {sheet.size[0]}×{sheet.size[1]} px.",
            advice="Give the photo that the mask was drawn on.",
        )
    return picture
