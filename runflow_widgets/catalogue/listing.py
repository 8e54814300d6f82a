"""All models that are known: find one, search them, take in what a service says of them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from decimal import Decimal, InvalidOperation
from difflib import get_close_matches

from ..errors import InputError
from .model import ModelSpec
from .record import from_record
from .stored import bundled_specs
from .table import ModelTable


class Catalogue:
    """The models one can run, by id.

    Example:
        >>> models = Catalogue.bundled()
        >>> models.search("background", embedded=True, max_price=0.05)
        >>> models.get("runflow/tag-removal").price.text
        '$0.14 per request'
    """

    def __init__(self, specs: Iterable[ModelSpec] = ()) -> None:
        self._specs = {spec.id: spec for spec in specs}

    @classmethod
    def bundled(cls) -> Catalogue:
        """The models stored in this package; each call gives a catalogue of its own."""
        return cls(bundled_specs())

    def __iter__(self) -> Iterator[ModelSpec]:
        return iter(self._sorted())

    def __len__(self) -> int:
        return len(self._specs)

    def __contains__(self, model_id: object) -> bool:
        return model_id in self._specs

    def get(self, model_id: str) -> ModelSpec:
        """One model by its id; an `InputError` names those that come close."""
        try:
            return self._specs[model_id]
        except (KeyError, TypeError):
            raise InputError(
                f"There is no model {model_id!r} in the catalogue.", field="model", advice=self._advice(model_id)
            ) from None

    def close_to(self, model_id: str) -> list[str]:
        """Ids that resemble this one, best first."""
        ids = [spec.id for spec in self._sorted()]
        slugs = {spec_id.rpartition("/")[2]: spec_id for spec_id in reversed(ids)}
        close = get_close_matches(model_id, ids, n=3, cutoff=0.55)
        tails = get_close_matches(model_id.rpartition("/")[2], slugs, n=2, cutoff=0.7)
        return [*dict.fromkeys([*close, *(slugs[tail] for tail in tails)])][:3]

    def search(
        self,
        text: str | None = None,
        *,
        maker: str | None = None,
        max_price: Decimal | float | str | None = None,
        takes_mask: bool | None = None,
        takes_image: bool | None = None,
        output: str | None = None,
        embedded: bool | None = None,
        category: str | None = None,
    ) -> ModelTable:
        """The models that fit; without arguments all of them.

        Args:
            text: Words that must all occur in the id, name, maker or purpose.
            maker: The maker's name, or a part of it.
            max_price: The most that one unit (request, image, second) may cost; models without a price drop out.
            takes_mask: Whether the model acts inside a mask.
            takes_image: Whether it works on a picture.
            output: `"image"` or `"video"`.
            embedded: Whether it also runs here, without a key.
            category: Such as `"background"`, `"removal"` or `"upscale"`.
        """
        words = (text or "").casefold().split()
        limit = None if max_price is None else _limit(max_price)
        exact = {
            "takes_mask": takes_mask,
            "takes_image": takes_image,
            "output_kind": output,
            "embedded": embedded,
            "category": category,
        }
        wanted = {name: value for name, value in exact.items() if value is not None}
        return ModelTable(
            spec
            for spec in self._sorted()
            if all(word in _haystack(spec) for word in words)
            and (maker is None or maker.casefold() in f"{spec.maker} {spec.owner}".casefold())
            and (limit is None or (spec.price.amount is not None and spec.price.amount <= limit))
            and all(getattr(spec, name) == value for name, value in wanted.items())
        )

    def merge(self, records: Iterable[object]) -> int:
        """Take in the service's own records and say how many could be read.

        What a record says wins; what only the stored page knows (such as whether a model runs here) is kept.
        """
        taken = 0
        for record in records:
            spec = from_record(record)
            if not spec.id:
                continue
            older = self._specs.get(spec.id)
            self._specs[spec.id] = spec.completed_by(older) if older else spec
            taken += 1
        return taken

    def _sorted(self) -> list[ModelSpec]:
        # Copied first: another thread may merge while this one lists.
        return sorted(self._specs.copy().values(), key=lambda spec: spec.id)

    def _advice(self, model_id: object) -> str:
        close = self.close_to(str(model_id))
        return f"Did you mean {' or '.join(close)}?" if close else "rf.models() lists those there are."


def _haystack(spec: ModelSpec) -> str:
    return f"{spec.id} {spec.name} {spec.maker} {spec.purpose}".casefold()


def _limit(max_price: Decimal | float | str) -> Decimal:
    try:
        limit = Decimal(str(max_price))
    except InvalidOperation:
        limit = Decimal("NaN")
    if limit.is_nan():
        raise InputError(f"max_price is {max_price!r}; give an amount in dollars, such as 0.05.", field="max_price")
    return limit
