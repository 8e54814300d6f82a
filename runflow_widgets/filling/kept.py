"""Pictures that were only in memory, kept as files, so that code and presets have something to refer to."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from ..catalogue import Field, ModelSpec
from ..catalogue.field import is_json, shown
from ..client import as_upload, is_address, write_whole
from ..errors import InputError
from ..images import extension_for, is_image_like, sniff_mime
from ..ledger import home
from ..snippets import Named
from ..wire import Asset, Json

#: A data URI of a few pixels stays where it is; no code is readable around a longer one.
_MOST_INLINE: Final = 200
_MOST_NAME: Final = 80
#: What `rf.run` takes in place of a model's own names.
SHORT_NAMES: Final = frozenset({"image", "images", "mask", "reference"})
#: Windows opens a device instead of a file of such a name, whatever its ending.
_DEVICES: Final = frozenset(
    {"con", "prn", "aux", "nul", *(f"{port}{n}" for port in ("com", "lpt") for n in "123456789¹²³")}
)


def kept_file(value: object) -> Path | str:
    """What code can say in place of a picture or file: an address is a text, a file on this machine a `Path`.

    A path stays as it was given. What has none is written once below the folder of all that we keep, with the bytes
    it came with; the same content is always the same file.

    Example:
        >>> kept_file(Image.new("RGB", (8, 8)))
        PosixPath('…/runflow…/kept/…/image.png')

    Raises:
        InputError: It is neither, or a file that is not there.
    """
    if isinstance(value, Asset):
        return value.ref
    if isinstance(value, str) and (is_address(value) or _is_short_data(value)):
        return value
    if isinstance(value, Path) or (isinstance(value, str) and not value.startswith("data:")):
        return _present(value)
    if (outputs := getattr(value, "outputs", None)) is not None:
        if not outputs:
            raise InputError("The run given as an input has no result.", advice="Wait for it first.")
        value = outputs[0]
    upload = as_upload(value, picture=is_image_like(value))
    return _written(upload.data, upload.filename, upload.fingerprint)


def kept_values(spec: ModelSpec, values: Mapping[str, Any]) -> Json:
    """A form's values as code and presets can hold them: JSON, with a `Path` or an address for each picture.

    Raises:
        InputError: A value is neither JSON nor a picture or file; `field` names it.
    """
    return _kept_in(spec.inputs, values, SHORT_NAMES)


def safe_name(name: str, data: bytes = b"") -> str:
    """A file name made of a stranger's: no folder, nothing hidden, short, good on every system, its ending true."""
    last = re.split(r"[/\\]", unicodedata.normalize("NFC", name))[-1]
    plain = "".join("_" if sign in '<>:"|?*' else sign for sign in last if sign.isprintable())
    stem, dot, ending = plain.lstrip(". ").rstrip(". ").rpartition(".")
    if not dot or not re.fullmatch(r"[A-Za-z0-9]{1,8}", ending):
        stem, ending = f"{stem}{dot}{ending}", ""
    kind = sniff_mime(data)
    # Only pictures: a .docx is a zip too, and a .mov begins like an .mp4.
    if kind.startswith("image/") and extension_for(kind) != _usual(ending):
        ending = extension_for(kind)
    stem = stem.encode()[:_MOST_NAME].decode(errors="ignore").rstrip(". ") or "file"
    if stem.partition(".")[0].rstrip().lower() in _DEVICES:
        stem = f"_{stem}"
    return f"{stem}.{ending}" if ending else stem


def _usual(ending: str) -> str:
    return {"jpeg": "jpg", "jpe": "jpg", "tif": "tiff"}.get(ending.lower(), ending.lower())


def _is_short_data(value: str) -> bool:
    return value.startswith("data:") and len(value) <= _MOST_INLINE


def _present(given: str | Path) -> Path:
    try:
        path = Path(given)
        found = path.expanduser().is_file()
    except (OSError, ValueError, RuntimeError):
        found = False
    if not found:
        # A text of this length was never meant as a path, and nobody wants to read it again.
        shown = str(given) if len(str(given)) <= 260 else f"a text of {len(str(given))} characters"
        raise InputError(f"There is no file {shown}.", advice="Pass a path, an address or a picture.")
    return path


def _written(data: bytes, name: str, fingerprint: str) -> Path:
    folder = home() / "kept" / fingerprint[:16]
    for path in sorted(folder.glob("[!.]*")):
        # Somebody may have opened the file and painted in it; then it is another picture.
        if path.stat().st_size == len(data) and path.read_bytes() == data:
            return path
    path = folder / safe_name(name, data)
    write_whole(path, data)
    return path


def _kept_in(fields: tuple[Field, ...], values: Mapping[str, Any], also_media: frozenset[str] = frozenset()) -> Json:
    known = {field.name: field for field in fields}
    kept: Json = {}
    for name, value in values.items():
        field = known.get(name)
        if value is None:
            continue
        try:
            if field is not None and field.fields and isinstance(value, Mapping):
                kept[name] = _kept_in(field.fields, value)
            else:
                kept[name] = _kept(value, is_media=field.is_media if field is not None else name in also_media)
        except InputError as error:
            path = f"{name}.{error.field}" if error.field else name
            raise InputError(error.message, field=path, advice=error.advice) from error
    return kept


def _kept(value: Any, *, is_media: bool) -> Any:
    if isinstance(value, Named):
        return value
    if isinstance(value, list | tuple):
        return [_kept(entry, is_media=is_media) for entry in value]
    if isinstance(value, Mapping) and not is_media:
        return {str(name): _kept(entry, is_media=False) for name, entry in value.items()}
    if is_media:
        return kept_file(value)
    value = _plain(value)
    if is_json(value):
        return value
    try:
        return kept_file(value)
    except InputError:
        raise InputError(f"{shown(value)} is neither JSON nor a picture or file.") from None


def _plain(value: Any) -> Any:
    """NumPy's numbers are numbers."""
    item = getattr(value, "item", None)
    return item() if callable(item) and getattr(value, "shape", None) == () else value
