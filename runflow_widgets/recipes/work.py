"""From a recipe and pictures to runs: a map for each step, each fed by the ones before it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from ..catalogue import ModelSpec
from ..errors import ConfigError, InputError
from ..following import spec_of
from ..many import Item, Results
from ..many.item import WAITING
from ..many.joint import Joint
from ..many.sending import Later
from ..many.sources import Source, sources_of
from ..many.tally import OnError
from ..running import first_output
from ..session import Session
from .pricing import given_to, total_of_open
from .step import Step
from .step_results import StepResults

#: `sources_of` puts a picture under this name for a model of which nothing is known.
_PICTURE: Final = "image"


@dataclass(frozen=True, slots=True)
class Work:
    """The steps of a recipe, the pictures that they are done for, and how."""

    recipe: str
    inputs: tuple[str, ...]
    steps: tuple[Step, ...]
    session: Session
    sources: Sequence[Source]
    concurrency: int
    on_error: OnError
    reuse: bool
    timeout_s: float | None
    within_budget: bool
    #: The earlier results that the pictures come from, if they do.
    origin: Results | None = None

    def begin(self, before: Mapping[str, StepResults] | None = None) -> dict[str, StepResults]:
        """Begin all steps at once; each waits for its pictures. After `before`, only what went wrong there is done."""
        joint = Joint(self.session, self.concurrency)
        made: dict[str, StepResults] = {}
        for step in self.steps:
            earlier: list[Results] = [made[name] for name in step.takes if name in made]
            if self.origin is not None and len(earlier) < len(step.takes):
                earlier.append(self.origin)
            items = self._items(step, made)
            if before is not None:
                items = [_once_more(old, new) for old, new in zip(before[step.name].items, items, strict=True)]
            made[step.name] = StepResults(
                step,
                self.recipe,
                [other.name for other in self.steps],
                earlier,
                self.session,
                spec_of(self.session, step.model),
                items,
                price=total_of_open(self.session, [step for item in items if not item.done]),
                concurrency=self.concurrency,
                on_error=self.on_error,
                reuse=self.reuse,
                timeout_s=self.timeout_s,
                within_budget=self.within_budget,
                sent=before[step.name]._sent if before is not None else (),
                joint=joint,
            )
        return made

    def _items(self, step: Step, made: Mapping[str, StepResults]) -> list[Item]:
        return [
            Item(
                index,
                name,
                given=given_to(step, {**given, **{other: _later(results, index) for other, results in made.items()}}),
                session=self.session,
            )
            for index, (name, given) in enumerate(self.sources)
        ]

    def missing_after(self, before: Mapping[str, StepResults]) -> list[Step]:
        """The steps that are to be done once more, each for as many pictures as it is."""
        return [step for step in self.steps for item in before[step.name].items if item.error is not None]


def _later(results: Results, index: int) -> Later:
    return Later(lambda: results[index])


def _once_more(old: Item, new: Item) -> Item:
    if old.error is None:
        return old
    return replace(old, status=WAITING, done=False, error=None, cost=None, given=new.given)


def check_here(session: Session, steps: Sequence[Step]) -> None:
    """Refuse a step that cannot run where the session's runs go.

    Raises:
        ConfigError: It names the step.
    """
    for step in steps:
        if session.where == "embedded" and not spec_of(session, step.model).embedded:
            raise ConfigError(
                f"Step {step.name!r}: {step.model} does not run in this kernel.",
                advice="Connect with a key: rf.connect('rf_live_…').",
            )


def sources_for(recipe: str, names: Sequence[str], inputs: Any, common: Mapping[str, Any]) -> list[Source]:
    """The name of each picture, and what is given with it under the names of the recipe's inputs.

    Raises:
        InputError: There is nothing to run, or an input is missing or unknown.
    """
    common = {name: first_output(value) for name, value in common.items()}
    if isinstance(inputs, Results):
        found: list[Source] = [(item.name, {_PICTURE: _later(inputs, item.index)}) for item in inputs.items]
    else:
        found = sources_of(ModelSpec(id=recipe), [inputs] if isinstance(inputs, Mapping) else inputs, {})
    return [(name, _named(recipe, names, name, {**common, **_by_main(names[0], given)})) for name, given in found]


def _by_main(main: str, given: Mapping[str, Any]) -> dict[str, Any]:
    return {main if name == _PICTURE else name: value for name, value in given.items()}


def _named(recipe: str, names: Sequence[str], picture: str, given: dict[str, Any]) -> dict[str, Any]:
    for name in given:
        if name not in names:
            raise InputError(
                f"The recipe {recipe!r} has no input {name!r}; it takes {', '.join(names)}.", field=str(name)
            )
    for name in names:
        if given.get(name) is None:
            raise InputError(f"The recipe {recipe!r} also needs {name}, and there is none for {picture}.", field=name)
    return given
