"""The endpoints about models: what there is, what it takes, what it costs."""

from __future__ import annotations

from collections.abc import AsyncIterator

from ..wire import Json, Page, item_path, model_path, nested_path
from .pages import Caller


class ModelEndpoints(Caller):
    """Ask the service about its models; records come as the service writes them (see `catalogue.from_record`)."""

    async def list_models(self, **query: object) -> Page:
        """One page of the models that the key's organisation sees."""
        return await self._page("/v1/models", **query)

    def each_model(self, **query: object) -> AsyncIterator[Json]:
        """All of them."""
        return self._each("/v1/models", **{"limit": 500, **query})

    async def list_public_models(self, **query: object) -> Page:
        """One page of the public models; needs no key."""
        return await self._page("/v1/public/models", **query)

    def each_public_model(self, **query: object) -> AsyncIterator[Json]:
        """All public models; needs no key."""
        return self._each("/v1/public/models", **{"limit": 500, **query})

    async def get_model(self, model_id: str) -> Json:
        """One model, with its inputs and outputs."""
        return dict(await self._get(model_path(model_id)))

    async def list_model_creators(self, **query: object) -> Page:
        """The makers of models, each with its models."""
        return await self._page("/v1/model-creators", **query)

    async def list_model_pricing(self, model_uuid: str = "any", **query: object) -> Page:
        """The pricing rules of one model, named by its uuid, or of all."""
        return await self._page(item_path("models", model_uuid, "pricing"), **query)

    async def list_model_examples(self, model_uuid: str = "any", **query: object) -> Page:
        """Examples of one model, named by its uuid, or of all."""
        return await self._page(item_path("models", model_uuid, "examples"), **query)

    async def get_model_example(self, example_id: str, model_uuid: str = "any") -> Json:
        """One example."""
        return dict(await self._get(nested_path("models", model_uuid, "examples", example_id)))
