"""A list of models that reads well in a cell, a terminal and a script."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import overload

from .model import ModelSpec
from .show import table_html, table_text


class ModelTable(Sequence[ModelSpec]):
    """What a search found: a sequence of models that shows itself as a table.

    Example:
        >>> cheap = Catalogue.bundled().search(max_price="0.02")
        >>> cheap[0].id
        'black-forest-labs/flux-2-klein-4b'
    """

    def __init__(self, specs: Iterable[ModelSpec]) -> None:
        self._specs = tuple(specs)

    @overload
    def __getitem__(self, index: int) -> ModelSpec: ...
    @overload
    def __getitem__(self, index: slice) -> ModelTable: ...
    def __getitem__(self, index: int | slice) -> ModelSpec | ModelTable:
        return ModelTable(self._specs[index]) if isinstance(index, slice) else self._specs[index]

    def __len__(self) -> int:
        return len(self._specs)

    @property
    def ids(self) -> tuple[str, ...]:
        """The ids, in order."""
        return tuple(spec.id for spec in self._specs)

    def __repr__(self) -> str:
        return table_text([spec.sheet for spec in self._specs])

    def _repr_html_(self) -> str:
        return table_html([spec.sheet for spec in self._specs])
