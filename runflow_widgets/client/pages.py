"""Calling endpoints and walking through lists: what the groups of endpoints have in common."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping
from typing import Any, Final

from ..wire import MOST_NAME, Json, Page, tame
from .http import Answer, Http

#: A list that goes on for longer than this is either endless or a mistake.
MOST_PAGES: Final = 10_000


#: Whether a decoded answer is one to the request that was sent.
Meant = Callable[[Any], bool]


class Caller:
    """Something that can call endpoints; each group of endpoints adds its own to this."""

    http: Http

    async def _get(self, path: str, *, meant: Meant | None = None, **query: object) -> Any:
        return (await self.http.send("GET", path, query=query, meant=meant)).json

    async def _post(
        self,
        path: str,
        body: Mapping[str, Any] | None = None,
        *,
        idempotent: bool = False,
        meant: Meant | None = None,
    ) -> Any:
        return (await self.http.send("POST", path, body=dict(body or {}), idempotent=idempotent, meant=meant)).json

    async def _patch(self, path: str, body: Mapping[str, Any]) -> Any:
        return (await self.http.send("PATCH", path, body=dict(body))).json

    async def _delete(self, path: str) -> Answer:
        return await self.http.send("DELETE", path)

    async def _page(self, path: str, **query: object) -> Page:
        """One page of a list.

        All lists take the same query: `q` (a filter), `limit`, `sort_by`, `fields`, `pq` (a cursor), `from_prev`.
        """
        return Page.read((await self.http.send("GET", path, query=query)).json)

    async def _each(self, path: str, **query: object) -> AsyncIterator[Json]:
        """Every item of a list, page after page; a cursor that comes back ends it."""
        seen: set[str] = set()
        cursor: str | None = None
        for _ in range(MOST_PAGES):
            page = await self._page(path, **{**query, "pq": cursor})
            for item in page.items:
                yield item
            cursor = page.next
            if cursor is None or cursor in seen:
                return
            seen.add(cursor)


def with_id(item_id: str) -> Meant:
    """Whether an answer is about the item with that id."""

    def is_meant(answer: Any) -> bool:
        if not isinstance(answer, Mapping):
            return False
        told = [str(answer.get(name) or "") for name in ("id", "run_id")]
        # As it is, or as it was read when it was first told, without what is odd about it.
        return item_id in told or item_id in (tame(text, MOST_NAME) for text in told)

    return is_meant


def quoted(value: str) -> str:
    """A value inside a filter expression: in single quotes, with the quotes in it doubled.

    >>> "client_ref.EQ:" + quoted("it's")
    "client_ref.EQ:'it''s'"
    """
    return "'" + value.replace("'", "''") + "'"
