"""The table of everything that is served; where two paths fit, the first one wins."""

from __future__ import annotations

from starlette.responses import Response

from ..call import Answer, Call
from ..openapi import document
from . import account, assets, batches, models, runs
from .operation import Operation

__all__ = ["OPERATIONS", "Operation"]


async def get_openapi(call: Call) -> Response:
    """This description of all that is served."""
    return Answer(document(OPERATIONS, call.origin))


OPERATIONS: tuple[Operation, ...] = (
    *runs.OPERATIONS,
    *batches.OPERATIONS,
    *assets.OPERATIONS,
    *account.OPERATIONS,
    Operation("GET", "/v1/openapi.json", get_openapi, None),
    *models.OPERATIONS,
)
