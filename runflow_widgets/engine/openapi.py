"""The OpenAPI 3.1 description of what is served, made from the same table that the router is made from."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import Any, Final, Protocol

from ..wire import POLL_HINT_HEADER, Json
from .filters import MOST_LENGTH
from .media import TYPES
from .pages import MOST_ITEMS
from .schemas import ANSWERS, BODIES, SCHEMAS, TEXT, ref


class Described(Protocol):
    """What an operation must tell of itself."""

    @property
    def method(self) -> str:
        """Its HTTP method."""
        ...

    @property
    def path(self) -> str:
        """Its path, as OpenAPI writes it."""
        ...

    @property
    def scope(self) -> str | None:
        """What a key must be allowed; None if no key is needed."""
        ...

    @property
    def call(self) -> Callable[[Any], Awaitable[Any]]:
        """The endpoint; its docstring describes it."""
        ...

    @property
    def name(self) -> str:
        """What it is called."""
        ...


_NEEDS_BODY: Final = frozenset({"create_run", "create_batch", "create_asset_upload", "create_asset_folder"})

_MORE_ERRORS: Final[Mapping[str, tuple[int, ...]]] = {
    "create_run": (402, 409, 429, 503),
    "create_batch": (402, 409, 429, 503),
    "redeliver_callback": (409,),
    "create_asset_upload": (409,),
    "confirm_asset_upload": (409,),
    "create_asset_folder": (409,),
    "create_callback_secret": (409,),
    "upload_file": (400, 403, 404, 409, 413, 422),
    "get_file": (403, 404),
}
_ONE_PAGE: Final = frozenset(
    {"list_run_statuses", "list_asset_types", "list_credit_balances", "list_callback_deliveries"}
)
_SENTENCES: Final = {
    200: "As asked.",
    201: "Done.",
    204: "Gone.",
    400: "The request cannot be read.",
    401: "The key is missing or wrong.",
    402: "The credit does not cover it.",
    403: "The key or the link does not allow it.",
    404: "It is not there.",
    409: "It clashes with what is there.",
    413: "The body is too large.",
    422: "The request is wrong; errors say where.",
    429: "Too much is under way; Retry-After says when to come back.",
    503: "The model cannot run here.",
}

_LIST_PARAMETERS: Final[Mapping[str, Json]] = {
    "q": {"type": "string", "maxLength": MOST_LENGTH, "examples": ["status_code:succeeded AND created_at>2026-04-01"]},
    "limit": {"type": "integer", "minimum": 1, "maximum": MOST_ITEMS},
    "sort_by": {"type": "string", "examples": ["created_at:desc"]},
    "fields": {"type": "string", "examples": ["id"]},
    "pq": {"type": "string", "description": "A cursor: `next` or `previous` of an earlier answer."},
    "from_prev": {"type": "boolean", "description": "Walk backwards from the cursor."},
}
_PATH_EXAMPLES: Final = {
    "owner": "runflow",
    "slug": "tag-removal",
    "model_id": "any",
    "run_id": "0190a1b2-0000-7000-8000-000000000000",
}


def document(operations: Iterable[Described], origin: str) -> Json:
    """The whole description, for a service that is seen at `origin`."""
    paths: dict[str, Json] = {}
    for operation in operations:
        paths.setdefault(operation.path, {})[operation.method.lower()] = _describe(operation)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Runflow API, embedded",
            "version": "0.1.0",
            "description": "The part of the Runflow API that runs inside runflow_widgets. A slug, and a model's id "
            "where one stands in a path, may have several segments.",
        },
        "servers": [{"url": origin}],
        "paths": paths,
        "components": {
            "schemas": dict(SCHEMAS),
            "securitySchemes": {"HTTPBearer": {"type": "http", "scheme": "bearer"}},
        },
    }


def _describe(operation: Described) -> Json:
    about = (operation.call.__doc__ or "").strip()
    described: Json = {
        "operationId": operation.name,
        "summary": about.split("\n")[0],
        "parameters": _parameters(operation),
        "responses": _responses(operation),
        "security": [] if operation.scope is None else [{"HTTPBearer": []}],
    }
    if operation.name == "cancel_run":
        described["description"] = "An extension of this embedded service: the public API has no way to cancel."
    if operation.name in BODIES:
        content = {"application/json": {"schema": BODIES[operation.name]}}
        described["requestBody"] = {"required": operation.name in _NEEDS_BODY, "content": content}
    elif operation.name == "upload_file":
        content = {mime_type: {"schema": {"type": "string", "format": "binary"}} for mime_type in TYPES}
        described["requestBody"] = {"required": True, "content": content}
    return described


def _parameters(operation: Described) -> list[Json]:
    found: list[Json] = []
    for name in re.findall(r"{(\w+)}", operation.path):
        schema: Json = {"type": "string", "minLength": 1}
        if name in _PATH_EXAMPLES:
            schema["examples"] = [_PATH_EXAMPLES[name]]
        found.append({"name": name, "in": "path", "required": True, "schema": schema})
    if _is_list(operation):
        found += [{"name": name, "in": "query", "schema": schema} for name, schema in _LIST_PARAMETERS.items()]
    if operation.path.startswith(("/v1/files", "/v1/uploads")):
        found += [{"name": name, "in": "query", "required": True, "schema": TEXT} for name in ("expires", "signature")]
    if operation.name == "get_run":
        found.append({"name": "add_signature", "in": "query", "schema": {"type": "boolean"}})
        found.append({"name": "embed", "in": "query", "schema": TEXT})
    if 409 in _MORE_ERRORS.get(operation.name, ()) and operation.method == "POST":
        found.append({"name": "Idempotency-Key", "in": "header", "schema": {"type": "string", "maxLength": 255}})
    return found


def _responses(operation: Described) -> Json:
    page: Mapping[int, Json | None] = {200: ref("Page")}
    good = {200: None} if operation.name == "get_file" else ANSWERS.get(operation.name, page)
    responses: Json = {}
    for status, schema in good.items():
        content = {} if schema is None else {"content": {"application/json": {"schema": schema}}}
        responses[str(status)] = {"description": _SENTENCES[status], **content}
    if operation.name == "get_file":
        responses["200"]["content"] = {"*/*": {"schema": {"type": "string", "format": "binary"}}}
    if operation.name in ("create_run", "get_run"):
        hint = {"schema": {"type": "string"}, "description": "When to look again, in milliseconds."}
        for status in good:
            responses[str(status)]["headers"] = {POLL_HINT_HEADER: hint}
    for status in sorted(_errors(operation)):
        content = {"application/json": {"schema": ref("ErrorResponse")}}
        responses[str(status)] = {"description": _SENTENCES[status], "content": content}
    return responses


def _errors(operation: Described) -> set[int]:
    errors = {*_MORE_ERRORS.get(operation.name, ())}
    if operation.scope is not None:
        errors |= {401, 403}
    if "{" in operation.path:
        errors.add(404)
    if operation.name in BODIES:
        errors |= {400, 413, 422}
    if _is_list(operation):
        errors.add(422)
    return errors


def _is_list(operation: Described) -> bool:
    return operation.name.startswith("list_") and operation.name not in _ONE_PAGE
