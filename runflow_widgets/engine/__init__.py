"""The service in miniature: Runflow's API, served inside this process, with models that run here.

Other parts of the package reach it over HTTP like any service. Worker processes import this package too, so the
service itself, and Starlette with it, is loaded only when somebody asks for it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .service import Service, open_service

__all__ = ["Service", "open_service"]


def __getattr__(name: str) -> Any:
    if name in __all__:
        from . import service

        return getattr(service, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
