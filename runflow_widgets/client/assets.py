"""The endpoints about files that lie with the service, and the three-step upload."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Mapping
from typing import Any, Final

from ..errors import ConflictError, InputError, OutputError, RunflowError, TransportError
from ..wire import MAX_UPLOAD_BYTES, Asset, Json, Page, item_path
from .outside import Outside
from .pages import Caller, with_id

#: A large file over a slow line: the time that its transfer may take grows with its size.
SLOWEST_BYTES_PER_S: Final = 256 * 1024
PUT_AT_LEAST_S: Final = 120.0
PUT_ATTEMPTS: Final = 3


class AssetEndpoints(Caller):
    """Upload, read and delete files; one content is uploaded once per client."""

    _uploaded: dict[str, asyncio.Task[Asset]]
    #: Where files were brought to by this client.
    _addresses: set[str]
    outside: Outside
    inline_bytes: int

    async def upload(self, data: bytes, *, filename: str, mime_type: str, folder_id: str | None = None) -> Asset:
        """Bring a file to the service; the same content is brought once, however often and at once it is asked for."""
        if len(data) > MAX_UPLOAD_BYTES:
            raise InputError(
                f"{filename} has {len(data) / 1048576:.1f} MiB; the service takes at most "
                f"{MAX_UPLOAD_BYTES // 1048576} MiB.",
                advice="Make it smaller, or host it yourself and pass its URL.",
            )
        if not data:
            raise InputError(f"{filename} is empty.", advice="Pass a file with something in it.")
        fingerprint = hashlib.sha256(data + mime_type.encode()).hexdigest() + (folder_id or "")
        task = self._uploaded.get(fingerprint)
        if task is None or (task.done() and (task.cancelled() or task.exception())):
            task = asyncio.create_task(self._upload(data, filename, mime_type, folder_id))
            self._uploaded[fingerprint] = task
        # Shielded: one of two waiters that gives up must not take the upload from the other.
        return await asyncio.shield(task)

    async def _upload(self, data: bytes, filename: str, mime_type: str, folder_id: str | None) -> Asset:
        # An upload session costs nothing, so all three steps may be repeated freely.
        expired: RunflowError | None = None
        for _ in range(2):
            session = dict(
                await self._post(
                    "/v1/asset-uploads",
                    {"filename": filename[:500], "mime_type": mime_type, "size_bytes": len(data)},
                    idempotent=True,
                    meant=self._is_new_upload,
                )
            )
            asset_id, upload_url = str(session["asset_id"]), str(session["upload_url"])
            self._addresses.add(asset_id)
            try:
                await self._put(upload_url, data, mime_type)
                path, body = item_path("asset-uploads", asset_id, "confirmations"), {"folder_id": folder_id}
                confirmed = await self._post(path, body if folder_id else {}, idempotent=True, meant=with_id(asset_id))
            except (_UploadExpiredError, ConflictError) as error:
                # A conflict: something took the file and said so, but the service has not got it.
                expired = error
            else:
                return Asset.read(confirmed)
        assert expired is not None
        raise expired

    def _is_new_upload(self, answer: Any) -> bool:
        # One place for two files would give one of the two runs the other's picture.
        if not isinstance(answer, Mapping) or not answer.get("asset_id") or not answer.get("upload_url"):
            return False
        return str(answer["asset_id"]) not in self._addresses

    async def _put(self, url: str, data: bytes, mime_type: str) -> None:
        whole_s = max(PUT_AT_LEAST_S, len(data) / SLOWEST_BYTES_PER_S)
        for attempt in range(1, PUT_ATTEMPTS + 1):
            try:
                # Without the key: the address belongs to a storage, not to the service; and it is checked like any
                # other that the service names, or a picture could be sent into the network around this machine.
                status = await self.outside.put(url, data, {"Content-Type": mime_type}, whole_s=whole_s)
            except OutputError as error:
                raise OutputError(f"The file was not sent to where the service wants it: {error.message}") from error
            except TransportError:
                if attempt == PUT_ATTEMPTS:
                    raise
            else:
                if 200 <= status < 300:
                    return
                if status == 403:
                    raise _UploadExpiredError("The address for the upload was refused; it may have expired.")
                may_pass = status in (408, 429) or (status >= 500 and status != 507)
                if not may_pass or attempt == PUT_ATTEMPTS:
                    raise OutputError(
                        f"The storage refused the file with {status}.",
                        advice="There is no room left where it is stored." if status == 507 else "",
                    )
            await self.http.pace.pause(0.25 * attempt)

    async def get_asset(self, asset_id: str, *, embed: str | None = None) -> Asset:
        """One file, with a fresh link to it."""
        return Asset.read(await self._get(item_path("assets", asset_id), meant=with_id(asset_id), embed=embed))

    async def list_assets(self, **query: object) -> Page:
        """One page of files."""
        return await self._page("/v1/assets", **query)

    async def delete_asset(self, asset_id: str) -> None:
        """Delete a file at the service."""
        await self._delete(item_path("assets", asset_id))
        kept = {
            name: task
            for name, task in self._uploaded.items()
            if not (task.done() and not task.cancelled() and not task.exception() and task.result().id == asset_id)
        }
        self._uploaded.clear()
        self._uploaded.update(kept)

    async def asset_types(self) -> object:
        """The kinds of file that the service takes."""
        return await self._get("/v1/assets/types")

    async def list_asset_folders(self, **query: object) -> Page:
        """The folders that files can lie in."""
        return await self._page("/v1/asset-folders", **query)

    async def create_asset_folder(self, name: str) -> Json:
        """Make a folder for files."""
        return dict(await self._post("/v1/asset-folders", {"name": name}))


class _UploadExpiredError(RunflowError):
    """The address that was given for an upload is no longer valid; a new one may be."""
