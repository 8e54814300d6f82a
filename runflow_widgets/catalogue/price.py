"""What a run will cost: an exact sum, a range or "unknown", but never an invention."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import ROUND_CEILING, Decimal
from typing import Any, Final

from ..wire import read_money
from .field import Field

#: The sizes behind the preset names that the FLUX, GPT Image and Ideogram pages share.
PRESETS: Final = {
    "square_hd": (1024, 1024),
    "square": (512, 512),
    "portrait_4_3": (768, 1024),
    "portrait_16_9": (576, 1024),
    "landscape_4_3": (1024, 768),
    "landscape_16_9": (1024, 576),
}
_MEGAPIXEL = Decimal(1_000_000)
_MOST_COUNT = 10**9

Amount = Decimal
#: How many units a run takes: at least, and at most (None: nobody knows).
Count = tuple[Decimal, Decimal | None]


def money(amount: Decimal) -> str:
    """An amount in dollars with two decimals, or as many as it has.

    >>> money(Decimal("0.018"))
    '$0.018'
    """
    places = -int(amount.normalize().as_tuple().exponent)
    return f"${amount:,.{max(2, places)}f}"


@dataclass(frozen=True, slots=True)
class Quote:
    """What one run will cost.

    `low` and `high` are equal when the price is exact; `high` is None when only the least is known; both are None
    when nothing is. `note` says how the sum came about, or what is missing.
    """

    low: Decimal | None = None
    high: Decimal | None = None
    note: str = ""

    @property
    def is_known(self) -> bool:
        """Whether the most that it can cost is known."""
        return self.high is not None

    @property
    def exact(self) -> Decimal | None:
        """The price, if there is exactly one."""
        return self.low if self.low == self.high else None

    @property
    def text(self) -> str:
        """As people read it: "$0.14", "$0.10 to $0.40", "at least $0.15" or "price unknown"."""
        if self.low is None:
            return "price unknown"
        if self.high is None:
            return f"at least {money(self.low)}"
        return money(self.low) if self.low == self.high else f"{money(self.low)} to {money(self.high)}"

    def __str__(self) -> str:
        return self.text


@dataclass(frozen=True, slots=True)
class Extra:
    """What an input adds to the price of each unit when it has a certain value."""

    field: str
    value: Any
    amount: Decimal


@dataclass(frozen=True, slots=True)
class Price:
    """What a model costs, and when that is known to hold.

    `holds_for` names the inputs that the amount depends on and the values it was stated for (None: not given).
    `further` is what each megapixel after the first costs, each begun one counting whole. With `at_least`, something
    that cannot be seen from the inputs, such as the size of the photo, may raise the price.
    """

    amount: Decimal | None = None
    unit: str = ""
    note: str = ""
    holds_for: tuple[tuple[str, tuple[Any, ...]], ...] = ()
    extras: tuple[Extra, ...] = ()
    further: Decimal | None = None
    at_least: bool = False

    @property
    def label(self) -> str:
        """As the service writes it: "$0.14/request"; empty if there is no price."""
        return "" if self.amount is None else f"{money(self.amount)}/{self.unit or 'request'}"

    @property
    def text(self) -> str:
        """As people read it: "$0.14 per request"."""
        return "price unknown" if self.amount is None else f"{money(self.amount)} per {self.unit or 'request'}"

    @classmethod
    def from_label(cls, label: object, note: str = "") -> Price:
        """Read "$0.14/request", alone or at the head of a longer text; any other text is kept as a note."""
        text = label if isinstance(label, str) else ""
        found = re.match(r"\$\s?(\d{1,9}(?:\.\d{1,9})?)\s?(?:/|per )\s?([a-z]+)", text)
        if found is None:
            return cls(note=note or text)
        return cls(Decimal(found[1]), found[2], note or text[found.end() :].strip(" ·,;:-"))

    def quote(self, fields: Sequence[Field], inputs: Mapping[str, Any]) -> Quote:
        """The price of a run with these inputs."""
        if self.amount is None:
            return Quote(note=self.note or "No price is stored for this model.")
        given = {field.name: field for field in fields}
        for name, values in self.holds_for:
            if not _holds(_value(name, given, inputs), values):
                stated = ", ".join("not given" if value is None else str(value) for value in values)
                return Quote(note=f"{self.text} is stated for {name} = {stated} only.")
        count = self._count(given, inputs)
        if count is None:
            return Quote(note=f"{self.text}; how many {self.unit}s it will be is not known before.")
        return self._total(self._each(given, inputs), count)

    def _each(self, given: Mapping[str, Field], inputs: Mapping[str, Any]) -> Decimal:
        extras = (e.amount for e in self.extras if _holds(_value(e.field, given, inputs), (e.value,)))
        return sum(extras, self.amount or Decimal(0))

    def _count(self, given: Mapping[str, Field], inputs: Mapping[str, Any]) -> Count | None:
        match self.unit:
            case "" | "request":
                return Decimal(1), Decimal(1)
            case "image":
                return _images(given, inputs)
            case "second":
                return _seconds(given, inputs)
            case "megapixel":
                size = _megapixels(_value("image_size", given, inputs), inputs)
                return None if size is None else self._megapixel_count(size, _images(given, inputs))
        return None

    def _megapixel_count(self, size: Decimal, images: Count | None) -> Count | None:
        if images is None:
            return None
        least, most = images
        # Where it is not stated that a begun megapixel counts whole, both are possible.
        low = _begun(size) if self.further is not None else size
        return low * least, None if most is None else _begun(size) * most

    def _total(self, each: Decimal, count: Count) -> Quote:
        least, most = count
        if self.further is not None:
            low = each + self.further * (least - 1)
            high = None if most is None else each + self.further * (most - 1)
        else:
            low, high = each * least, None if most is None else each * most
        return Quote(low, None if self.at_least else high, self._reckoning(each, least, most))

    def _reckoning(self, each: Decimal, least: Decimal, most: Decimal | None) -> str:
        unit = self.unit or "request"
        number = f"{least:f}" if least == most else f"{least:f} or more" if most is None else f"{least:f} to {most:f}"
        reckoning = f"{number} {unit}{'' if least == most == 1 else 's'} at {money(each)} each"
        return f"{reckoning}; {self.note}" if self.note else reckoning


def _value(name: str, given: Mapping[str, Field], inputs: Mapping[str, Any]) -> Any:
    value = inputs.get(name)
    return given[name].default if value is None and name in given else value


def _holds(value: object, values: Sequence[Any]) -> bool:
    return any(type(value) is type(wanted) and value == wanted for wanted in values)


def _begun(amount: Decimal) -> Decimal:
    return max(Decimal(1), amount.to_integral_value(ROUND_CEILING))


def _images(given: Mapping[str, Field], inputs: Mapping[str, Any]) -> Count | None:
    value = _value("num_images", given, inputs)
    if isinstance(value, int) and not isinstance(value, bool) and 0 < value <= _MOST_COUNT:
        return Decimal(value), Decimal(value)
    if value is not None:
        return None
    field = given.get("num_images")
    if field is None:
        return Decimal(1), Decimal(1)
    # The number may be left out, but nobody says what it is then.
    return Decimal(1), None if field.maximum is None else Decimal(max(1, int(field.maximum)))


def _seconds(given: Mapping[str, Field], inputs: Mapping[str, Any]) -> Count | None:
    value = _value("duration", given, inputs)
    seconds = _as_seconds(value)
    if seconds is not None:
        return seconds, seconds
    field = given.get("duration")
    if field is None or value not in (None, "auto"):
        return None
    known = [found for choice in field.allowed if (found := _as_seconds(choice)) is not None]
    return (min(known), max(known)) if known else None


def _as_seconds(value: object) -> Decimal | None:
    text = value.removesuffix("s") if isinstance(value, str) else value
    seconds = read_money(text)
    return seconds if seconds is not None and 0 < seconds <= _MOST_COUNT else None


def _megapixels(size: object, inputs: Mapping[str, Any]) -> Decimal | None:
    sides = size if isinstance(size, Mapping) else inputs if size is None else {}
    width, height = sides.get("width"), sides.get("height")
    if isinstance(size, str):
        width, height = PRESETS.get(size, (None, None))
    area = 1
    for side in (width, height):
        if isinstance(side, bool) or not isinstance(side, int) or not 0 < side <= _MOST_COUNT:
            return None
        area *= side
    return Decimal(area) / _MEGAPIXEL
