"""One line of the table of all that is served."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from starlette.responses import Response

from ..call import Call


@dataclass(frozen=True, slots=True)
class Operation:
    """An endpoint behind a method and a path.

    `path` is written as OpenAPI writes it; a slug or a model's id in it may have several segments. `scope` is what a
    key must be allowed; empty means any key will do, None that no key is asked for.
    """

    method: str
    path: str
    call: Callable[[Call], Awaitable[Response]]
    scope: str | None = ""

    @property
    def name(self) -> str:
        """What the endpoint is called, here and in the OpenAPI file."""
        return self.call.__name__

    @property
    def route(self) -> str:
        """The path as the router reads it."""
        return self.path.replace("{slug}", "{slug:path}").replace("{model_id}", "{model_id:path}")
