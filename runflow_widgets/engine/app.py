"""The ASGI application: each operation behind its path, each refusal in the same envelope, each answer with an id."""

from __future__ import annotations

import logging
import sqlite3
from collections.abc import Awaitable, Callable

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route

from .call import Answer, Call, caller_of
from .core import Core
from .ids import new_id
from .refusal import Refusal, unwritable
from .routes import OPERATIONS, Operation

log = logging.getLogger("runflow_widgets.engine")
_REQUEST_ID = "Runflow-Request-Id"


def make_app(core: Core) -> Starlette:
    """Everything that is served, as the table of operations lists it."""
    app = Starlette(
        routes=[
            Route(operation.route, _endpoint(core, operation), methods=[operation.method]) for operation in OPERATIONS
        ],
        exception_handlers={
            HTTPException: _answer_http_exception,
            ClientDisconnect: _answer_disconnect,
            Exception: _answer_mistake,
        },
    )
    # A path with a slash too many is another path: the API redirects nobody.
    app.router.redirect_slashes = False
    return app


def _endpoint(core: Core, operation: Operation) -> Callable[[Request], Awaitable[Response]]:
    async def endpoint(request: Request) -> Response:
        request_id = new_id()
        try:
            caller = caller_of(request, core.keys, operation.scope)
            response = await operation.call(Call(request, core, caller, request_id))
        except Refusal as refusal:
            response = Answer(refusal.envelope, refusal.status, refusal.headers)
        except (OSError, sqlite3.OperationalError) as error:
            if (full := unwritable(error)) is None:
                raise
            log.warning("request %s: %s", request_id, full.message)
            response = Answer(full.envelope, full.status)
        response.headers[_REQUEST_ID] = request_id
        return response

    return endpoint


async def _answer_http_exception(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    path = request.scope["path"][:200]
    sentences = {
        404: f"Nothing is served at {path!r}; GET /v1/openapi.json lists all that is.",
        405: f"{request.method} is not served at {path!r}.",
    }
    refusal = Refusal(error.status_code, sentences.get(error.status_code, error.detail), headers=error.headers)
    return Answer(refusal.envelope, refusal.status, {**refusal.headers, _REQUEST_ID: new_id()})


async def _answer_disconnect(_request: Request, _error: Exception) -> Response:
    return Answer(Refusal(400, "The connection was closed before the body had arrived.").envelope, 400)


async def _answer_mistake(_request: Request, error: Exception) -> Response:
    request_id = new_id()
    log.error("request %s", request_id, exc_info=error)
    refusal = Refusal(500, "The service made a mistake; its log says which.", code="INTERNAL_ERROR")
    return Answer(refusal.envelope, 500, {_REQUEST_ID: request_id})
