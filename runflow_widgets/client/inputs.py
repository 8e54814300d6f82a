"""From what a person has at hand to what a model takes: pictures of any kind become uploads, uploads become references.

It happens in two steps. `gather` runs where the user called us: it reads and encodes, so that what is sent is what
there was at that moment, and a mistake shows up at the line that made it. `Gathered.send` runs on the portal and
uploads.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from ..catalogue import ModelSpec
from ..errors import InputError
from ..images import (
    data_uri,
    encode_png,
    extension_for,
    is_image_like,
    open_image,
    pack_mask_zip,
    read_data_uri,
    sniff_mime,
)
from ..wire import MAX_UPLOAD_BYTES, Asset, Json

if TYPE_CHECKING:
    from .assets import AssetEndpoints

_REMOTE: Final = ("http://", "https://", "runflow://")
_PENDING: Final = "runflow://assets/00000000-0000-0000-0000-000000000000"
#: What goes into the zip of models that want one: our short argument, their field, the name inside.
ZIPPED: Final = {
    "image": ("file_input", "photo.png"),
    "mask": ("file_mask", "mask.png"),
    "reference": ("file_reference", "reference.png"),
}


@dataclass(frozen=True, slots=True)
class Upload:
    """A file on its way to the service."""

    data: bytes = field(repr=False)
    filename: str
    mime_type: str
    #: The same for the same content; taken once, since a file may be large and is asked for it several times.
    fingerprint: str = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "fingerprint", hashlib.sha256(self.data).hexdigest())


@dataclass(frozen=True, slots=True)
class Gathered:
    """Inputs that are ready to be sent, with the files in them still here."""

    values: Json

    async def send(self, client: AssetEndpoints) -> Json:
        """Upload what has to be uploaded and give the inputs as they travel; small files may travel inside them."""
        sent: Json = await _sent(self.values, client)
        return sent

    @property
    def on_record(self) -> Json:
        """The inputs as the ledger keeps them: files by name and content, long data URIs cut."""
        recorded: Json = _replaced(self.values, lambda file: f"file:{file.filename}#sha256={file.fingerprint}")
        return recorded

    @property
    def fingerprint(self) -> str:
        """The same for the same model inputs, whatever form the pictures came in."""
        # Without the files' names: one that was moved or renamed is the same picture still.
        named: Json = _replaced(self.values, lambda file: f"file:#sha256={file.fingerprint}")
        return hashlib.sha256(json.dumps(named, sort_keys=True, default=str).encode()).hexdigest()


def gather(spec: ModelSpec, inputs: Mapping[str, Any]) -> Gathered:
    """Read, encode and check the inputs of a model.

    `image=` and `mask=` stand for whatever the model calls them; where it wants a zip, it is packed.

    Raises:
        InputError: Something cannot be sent; the sentence says what and `field` where.
    """
    named = _with_real_names(spec, dict(inputs))
    values = {name: _gathered(spec, name, value) for name, value in named.items() if value is not None}
    faults = spec.check(_replaced(values, lambda _: _PENDING))
    if faults:
        name, sentence = next(iter(faults.items()))
        others = f" ({len(faults) - 1} more: {', '.join(list(faults)[1:])})" if len(faults) > 1 else ""
        raise InputError(f"{spec.id}, {name}: {sentence}{others}", field=name)
    return Gathered(values)


def _with_real_names(spec: ModelSpec, inputs: Json) -> Json:
    names = {item.name for item in spec.inputs}
    takes_zip = {"zip_url", ZIPPED["image"][0], ZIPPED["mask"][0]} <= names
    if takes_zip and "zip_url" not in inputs and "image" in inputs:
        return _zipped(spec, inputs, names)
    for short, long in (("image", "image_url"), ("mask", "mask_url"), ("reference", "reference_url")):
        if short in inputs and short not in names and long in names:
            inputs[long] = inputs.pop(short)
    for short in ("image", "images"):
        if short in inputs and short not in names and "image_urls" in names:
            given = inputs.pop(short)
            inputs["image_urls"] = list(given) if isinstance(given, list | tuple) else [given]
    return inputs


def _zipped(spec: ModelSpec, inputs: Json, names: set[str]) -> Json:
    parts = {short: inputs.pop(short) for short in ZIPPED if ZIPPED[short][0] in names and short in inputs}
    missing = [s for s, (long, _) in ZIPPED.items() if long in names and s not in parts and _is_required(spec, long)]
    if missing:
        raise InputError(f"{spec.id} also needs {' and '.join(missing)}=.", field=missing[0])
    packed = pack_mask_zip(
        open_image(_openable(parts["image"])),
        _openable(parts["mask"]),
        reference=_openable(parts["reference"]) if "reference" in parts else None,
    )
    _check_size(packed, "the zip of photo and mask", "zip_url")
    inputs["zip_url"] = Upload(packed, "inputs.zip", "application/zip")
    inputs.update({ZIPPED[short][0]: ZIPPED[short][1] for short in parts})
    return inputs


def _openable(value: Any) -> Any:
    """What reads itself, such as a result or an uploaded file, as its bytes; anything else as it is."""
    return value.read_bytes() if hasattr(value, "read_bytes") and not isinstance(value, Path) else value


def _is_required(spec: ModelSpec, name: str) -> bool:
    return any(entry.name == name and entry.required for entry in spec.inputs)


def _gathered(spec: ModelSpec, name: str, value: Any) -> Any:
    kind = next((entry.kind for entry in spec.inputs if entry.name == name), "")
    if kind == "image_list":
        listed = value if isinstance(value, list | tuple) else [value]
        return [_media(entry, name, picture=True) for entry in listed]
    if kind in ("image", "file"):
        return _media(value, name, picture=kind == "image")
    # An unknown field, or one of a kind made after this was written, may still be given a picture.
    if not isinstance(value, str | bytes) and (isinstance(value, Asset) or is_image_like(value)):
        return _media(value, name, picture=True)
    return plain(value)


def plain(value: Any) -> Any:
    """As JSON has it: lists for tuples, numbers for NumPy's; whatever is not JSON is left for the check to name."""
    item = getattr(value, "item", None)
    if callable(item) and getattr(value, "shape", None) == ():
        return item()
    if isinstance(value, Mapping):
        return {str(name): plain(entry) for name, entry in value.items()}
    return [plain(entry) for entry in value] if isinstance(value, list | tuple) else value


def _media(value: Any, name: str, *, picture: bool) -> Any:
    if isinstance(value, Upload):
        return value
    if isinstance(value, Asset):
        return value.ref
    if is_address(value):
        return value
    try:
        return as_upload(value, picture=picture)
    except InputError as error:
        raise InputError(f"{name}: {error.message}", field=name, advice=error.advice) from error


def is_address(value: object) -> bool:
    """Whether this names something that the service fetches by itself."""
    return isinstance(value, str) and value.startswith(_REMOTE)


def as_upload(value: Any, *, picture: bool) -> Upload:
    """Whatever holds a file, as the file that would be sent; one that is a file already keeps its bytes.

    Raises:
        InputError: It holds none, or no `picture` where there must be one, or is too large to be sent.
    """
    stem = "image" if picture else "file"
    if isinstance(value, str) and value.startswith("data:"):
        data, mime_type = read_data_uri(value)
        upload = Upload(data, f"{stem}.{extension_for(mime_type)}", mime_type)
    elif (data_and_name := _bytes_of(value, stem)) is not None:
        data, filename = data_and_name
        upload = Upload(data, filename, sniff_mime(data))
    else:
        upload = Upload(encode_png(open_image(value)), f"{stem}.png", "image/png")
    if picture and not upload.mime_type.startswith("image/"):
        open_image(upload.data)  # says better than we could what it is instead
    _check_size(upload.data, upload.filename, None)
    return upload


def _bytes_of(value: Any, stem: str) -> tuple[bytes, str] | None:
    """The bytes of what already is a file, unchanged: encoding it anew would only lose or bloat."""
    if isinstance(value, bytes | bytearray | memoryview):
        data = bytes(value)
        return data, f"{stem}.{extension_for(sniff_mime(data))}"
    if isinstance(value, str | Path):
        path = Path(value).expanduser()
        try:
            return path.read_bytes(), path.name
        except (OSError, ValueError):
            if not isinstance(value, Path) and len(value) > 260:
                raise InputError(f"a text of {len(value)} characters is neither a path nor an address.") from None
            raise InputError(
                f"there is no readable file {str(value)!r}.", advice="Pass a path, an address or a picture."
            ) from None
    if hasattr(value, "read_bytes"):
        data = value.read_bytes()
        return data, str(getattr(value, "name", None) or f"{stem}.{extension_for(sniff_mime(data))}")
    if hasattr(value, "read") and not hasattr(value, "convert"):
        data = value.read()
        if not isinstance(data, bytes):
            raise InputError("the open file gives text.", advice='Open it with mode "rb".')
        return data, Path(str(getattr(value, "name", ""))).name or f"{stem}.{extension_for(sniff_mime(data))}"
    return None


def _check_size(data: bytes, what: str, name: str | None) -> None:
    if len(data) > MAX_UPLOAD_BYTES:
        raise InputError(
            f"{what} has {len(data) / 1048576:.1f} MiB; the service takes at most {MAX_UPLOAD_BYTES // 1048576} MiB.",
            field=name,
            advice="Make the picture smaller, or host the file yourself and pass its URL.",
        )


def _replaced(value: Any, change: Any) -> Any:
    """The same structure with every upload replaced."""
    if isinstance(value, Upload):
        return change(value)
    if isinstance(value, Mapping):
        return {name: _replaced(entry, change) for name, entry in value.items()}
    return [_replaced(entry, change) for entry in value] if isinstance(value, list | tuple) else value


async def _sent(value: Any, client: AssetEndpoints) -> Any:
    if isinstance(value, Upload) and 0 < len(value.data) <= client.inline_bytes:
        return data_uri(value.data, value.mime_type)
    if isinstance(value, Upload):
        asset = await client.upload(value.data, filename=value.filename, mime_type=value.mime_type)
        return asset.ref
    if isinstance(value, Mapping):
        return {name: await _sent(entry, client) for name, entry in value.items()}
    return [await _sent(entry, client) for entry in value] if isinstance(value, list | tuple) else value
