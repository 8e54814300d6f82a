"""Everything image-like becomes one upright bitmap here, and bytes or a data URI again.

No other part of the package converts pictures, so there is one answer to what "upright", "a mask" or "a picture"
means. Pillow and NumPy are imported by the functions that need them: importing this costs nothing.
"""

from .archive import safe_unzip
from .bitmap import (
    encode,
    encode_png,
    flattened,
    from_array,
    is_image_like,
    open_image,
    thumbnail,
    thumbnail_webp,
    to_array,
)
from .difference import Difference, Maps, Part, maps, measure
from .kinds import data_uri, extension_for, is_whole, read_data_uri, sniff_mime
from .mask import MASK_NAME, PHOTO_NAME, REFERENCE_NAME, pack_mask_zip, read_mask
from .remarks import remarks

__all__ = [
    "MASK_NAME",
    "PHOTO_NAME",
    "REFERENCE_NAME",
    "Difference",
    "Maps",
    "Part",
    "data_uri",
    "encode",
    "encode_png",
    "extension_for",
    "flattened",
    "from_array",
    "is_image_like",
    "is_whole",
    "maps",
    "measure",
    "open_image",
    "pack_mask_zip",
    "read_data_uri",
    "read_mask",
    "remarks",
    "safe_unzip",
    "sniff_mime",
    "thumbnail",
    "thumbnail_webp",
    "to_array",
]
