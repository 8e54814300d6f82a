"""A recipe in words: what each step does, what it costs, and what comes after what."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final

from ..catalogue import Quote
from ..filling.preset_file import Enclosed
from ..following import FREE, quote_of
from ..many.pricing import total_of
from ..session import opened
from .step import Step

_MOST_LETTERS: Final = 60


def told(name: str, inputs: Sequence[str], steps: Sequence[Step]) -> str:
    """The recipe as indented text: each step stands below the one whose picture it takes first."""
    count = f"{len(steps)} step{'' if len(steps) == 1 else 's'}"
    total = total_of(price_of(step) for step in steps)
    price = f", {price_words(total)}{'' if total.exact == FREE.low else ' a picture'}" if steps else ""
    lines = [f"{name}: {count}{price}"]
    for source in inputs:
        below = list(_below(source, steps, "  "))
        users = [step.name for step in steps if source in step.takes]
        lines += [source if below or not users else f"{source}, for {', '.join(users)}", *below]
    return "\n".join(lines)


def _below(source: str, steps: Sequence[Step], indent: str) -> Iterator[str]:
    for step in steps:
        if step.takes[0] == source:
            yield f"{indent}{step.name}: {', '.join(facts(step))}"
            yield from _below(step.name, steps, indent + "  ")


def facts(step: Step) -> list[str]:
    """What a step is given besides its first picture, and its price."""
    given = [f"{name} {value_words(value)}" for name, value in step.inputs.items()]
    more = [f"also takes {name}" for name in step.takes[1:]]
    return [step.model, *given, *more, price_words(price_of(step))]


def value_words(value: Any) -> str:
    """A fixed input in a few letters; of a picture its name alone."""
    if isinstance(value, Path | Enclosed):
        return value.name
    if isinstance(value, list):
        return f"[{', '.join(map(value_words, value))}]"
    text = "a picture" if isinstance(value, str) and value.startswith("data:") else str(value)
    text = " ".join(text.split())
    return text if len(text) <= _MOST_LETTERS else f"{text[: _MOST_LETTERS - 1]}…"


def price_of(step: Step) -> Quote:
    """What a step costs for one picture, where the notebook is connected to; at the service if to nothing yet."""
    session = opened()
    return step.spec.price_of(step.inputs) if session is None else quote_of(session, step.spec, step.inputs)


def price_words(quote: Quote) -> str:
    """A price, or that there is none."""
    return "free here" if quote.exact == FREE.low else quote.text
