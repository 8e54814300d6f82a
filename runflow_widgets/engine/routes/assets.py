"""Files: the upload in three steps, assets and their folders, and the signed links to all that lies here."""

from __future__ import annotations

import asyncio
from pathlib import Path

from starlette.responses import Response

from ...wire import MAX_UPLOAD_BYTES, Json
from ..call import Answer, Call, FileAnswer
from ..filters import Columns
from ..ids import new_id
from ..links import UPLOADS
from ..media import TYPES, digest_of, mime_type_of, write_file
from ..pages import Source, list_answer
from ..refusal import Refusal, one_invalid
from ..store import now
from .operation import Operation

_COLUMNS: Columns = {
    **dict.fromkeys(
        ("id", "org_id", "folder_id", "name", "mime_type", "asset_type", "source_type", "source_id", "created_by"),
        "text",
    ),
    **dict.fromkeys(("created_at", "updated_at", "deleted_at"), "time"),
    "size_bytes": "number",
    "url": "json",
    "thumbnail_url": "json",
}
_READY = "(SELECT id, doc FROM assets WHERE json_extract(doc, '$._state') = 'ready')"
_FOLDER_COLUMNS: Columns = {
    **dict.fromkeys(("id", "org_id", "name", "parent_id"), "text"),
    **dict.fromkeys(("created_at", "updated_at"), "time"),
}


async def create_asset_upload(call: Call) -> Response:
    """Step one: announce a file, and learn where to put it."""
    if (replayed := await call.replayed()) is not None:
        return replayed
    body = await call.body()
    filename = body.text("filename", least=1, most=500, required=True) or ""
    mime_type = (body.text("mime_type", least=1, most=255, required=True) or "").lower()
    size = body.whole("size_bytes", least=1, most=MAX_UPLOAD_BYTES)
    if mime_type and mime_type not in TYPES:
        body.add("mime_type", f"mime_type is not one of {', '.join(TYPES)}.")
    body.done()
    service = call.service
    asset = service.media.new_asset(
        filename, mime_type, size, state="pending", source="upload", owner=service.organisation
    )

    def make() -> tuple[int, Json]:
        service.store.add("assets", asset)
        url = service.links.sign(call.origin, UPLOADS, asset["id"])
        return 201, {"asset_id": asset["id"], "upload_url": url}

    return await call.once(make)


async def upload_file(call: Call) -> Response:
    """Step two: the bytes, to the signed address, without a key."""
    call.service.links.check(call.request.scope["path"], call.query)
    asset = call.service.store.get("assets", call.part("asset_id"))
    if asset is None:
        raise Refusal(404, "There is no such upload.", code="ASSET_NOT_FOUND")
    if asset["_state"] != "pending":
        raise Refusal(409, "This upload was confirmed already; a changed file is a new upload.")
    given = call.request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if given != asset["mime_type"]:
        sentence = f"Content-Type must be {asset['mime_type']}, as it was announced."
        raise one_invalid(["header", "Content-Type"], sentence)
    call.service.check_room(asset["size_bytes"])
    data = await call.bytes(asset["size_bytes"])
    if not data:
        raise one_invalid(["body"], "The file is empty.")
    await asyncio.to_thread(write_file, call.service.media.asset_file(asset), data)
    return Response(status_code=200)


async def confirm_asset_upload(call: Call) -> Response:
    """Step three: make an asset of what has arrived. Confirming again answers the same."""
    body = await call.body()
    folder_id = body.text("folder_id", most=100)
    if folder_id is not None and call.service.store.get("folders", folder_id) is None:
        body.add("folder_id", "There is no such folder.")
    body.done()
    service = call.service
    asset = service.store.get("assets", call.part("asset_upload_id"))
    if asset is None:
        raise Refusal(404, "There is no such upload.", code="ASSET_NOT_FOUND")
    if asset["_state"] == "pending":
        path = service.media.asset_file(asset)
        if not path.is_file():
            raise Refusal(409, "No file has arrived for this upload yet; PUT it to its upload_url first.")
        size, digest = await asyncio.to_thread(_measured, path, asset["mime_type"])
        asset |= {
            "size_bytes": size,
            "folder_id": folder_id,
            "updated_at": now(),
            "_state": "ready",
            "_sha256": digest,
        }
        service.store.put("assets", asset)
    return Answer(service.media.present_asset(asset, call.origin), 201)


def _measured(path: Path, mime_type: str) -> tuple[int, str]:
    data = path.read_bytes()
    return len(data), digest_of(mime_type, data)


async def list_assets(call: Call) -> Response:
    """The files that lie here, the newest first."""
    origin = call.origin

    def present(asset: Json) -> Json:
        return call.service.media.present_asset(asset, origin)

    return Answer(list_answer(call.service.store.connection, Source(_READY, _COLUMNS), call.query, present))


async def get_asset(call: Call) -> Response:
    """One file, with a fresh link to it."""
    return Answer(call.service.media.present_asset(_asset(call), call.origin))


async def delete_asset(call: Call) -> Response:
    """Delete a file; runs that were given it and have not begun will fail."""
    asset = _asset(call)
    call.service.store.drop("assets", asset["id"])
    call.service.media.asset_file(asset).unlink(missing_ok=True)
    return Response(status_code=204)


async def list_asset_types(_call: Call) -> Response:
    """The types of files that may be uploaded."""
    items = [{"mime_type": mime_type, "asset_type": mime_type.partition("/")[0]} for mime_type in TYPES]
    return Answer({"items": items, "first": None, "next": None, "previous": None})


async def list_asset_folders(call: Call) -> Response:
    """The folders that files can be put into."""
    source = Source("folders", _FOLDER_COLUMNS)
    return Answer(list_answer(call.service.store.connection, source, call.query, lambda folder: folder))


async def create_asset_folder(call: Call) -> Response:
    """Make a folder."""
    if (replayed := await call.replayed()) is not None:
        return replayed
    body = await call.body()
    name = body.text("name", least=1, most=255, required=True)
    body.done()
    moment = now()
    owner = call.service.organisation
    folder = {
        "id": new_id(),
        "org_id": owner,
        "name": name,
        "parent_id": None,
        "created_at": moment,
        "updated_at": moment,
    }
    return await call.once(lambda: (201, call.service.store.add("folders", folder)))


async def get_file(call: Call) -> Response:
    """A result or an asset, by its signed link."""
    call.service.links.check(call.request.scope["path"], call.query)
    path = call.service.media.file_of([call.part("collection"), call.part("item_id"), call.part("name")])
    if path is None:
        raise Refusal(404, "The file is not there any more.", code="FILE_NOT_FOUND")
    mime_type = mime_type_of(path)
    shown = mime_type.startswith(("image/", "video/", "audio/"))
    headers = {
        "Cache-Control": "private, max-age=300",
        "Content-Disposition": "inline" if shown else "attachment",
        # Whatever somebody uploaded, a browser must neither guess at it nor run it.
        "Content-Security-Policy": "sandbox; default-src 'none'; frame-ancestors 'none'",
        "X-Content-Type-Options": "nosniff",
    }
    try:
        return FileAnswer(path.open("rb"), mime_type, headers)
    except OSError:
        raise Refusal(404, "The file is not there any more.", code="FILE_NOT_FOUND") from None


def _asset(call: Call) -> Json:
    asset = call.service.media.ready_asset(call.part("asset_id"))
    if asset is None:
        raise Refusal(404, "There is no such asset.", code="ASSET_NOT_FOUND")
    return asset


OPERATIONS = (
    Operation("POST", "/v1/asset-uploads", create_asset_upload, "assets:create"),
    Operation("POST", "/v1/asset-uploads/{asset_upload_id}/confirmations", confirm_asset_upload, "assets:create"),
    Operation("PUT", f"{UPLOADS}/{{asset_id}}", upload_file, None),
    Operation("GET", "/v1/assets", list_assets, "assets:read"),
    Operation("GET", "/v1/assets/types", list_asset_types, "assets:read"),
    Operation("GET", "/v1/assets/{asset_id}", get_asset, "assets:read"),
    Operation("DELETE", "/v1/assets/{asset_id}", delete_asset, "assets:delete"),
    Operation("GET", "/v1/asset-folders", list_asset_folders, "assets:read"),
    Operation("POST", "/v1/asset-folders", create_asset_folder, "assets:edit"),
    Operation("GET", "/v1/files/{collection}/{item_id}/{name}", get_file, None),
)
