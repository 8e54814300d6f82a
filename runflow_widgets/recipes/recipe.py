"""A recipe: models in a row and side by side, said once and run over one picture or a thousand."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

from ..catalogue import ModelSpec
from ..catalogue.field import shown
from ..errors import InputError
from ..many import Results
from ..many.sources import picture_name
from ..many.starting import MOST_AT_ONCE, check_options
from ..many.tally import OnError
from ..nesting import warn_of_the_original
from ..session import Session, current
from .drawing import drawn
from .pricing import RecipeQuote, agreed, price_by_step
from .recipe_run import RecipeRun
from .step import Of, Step, check_circles, check_name, check_step, ends_of, fixed, spec_of
from .stored import document_of, load_text, parse, text_of, write_text
from .told import told
from .work import Work, check_here, sources_for

_BUNDLED: Final = Path(__file__).parent / "data"
#: More than any cell can show.
MOST_STEPS: Final = 100


@dataclass(frozen=True, slots=True, repr=False)
class Recipe:
    """Models in a row and side by side; each step takes the picture of an earlier one.

    A recipe does not change: each method gives a new one. In a cell it is a small diagram, `str` gives it as text.

    Example:
        >>> recipe = (
        ...     rf.Recipe("shop")
        ...     .then("clean", "runflow/tag-removal")
        ...     .then("isolated", "runflow/product-isolation", aspect_ratio="1:1", resolution="2K")
        ...     .fan_out("isolated", {
        ...         "wide": ("runflow/smart-resize", {"aspect_ratio": "16:9", "resolution": "1K"}),
        ...         "red": ("runflow/background-color", {"color_red": 200, "color_green": 0, "color_blue": 0}),
        ...     })
        ... )
        >>> done = recipe.run("photos/")
        >>> done["red"].images

    Args:
        name: What it is called; it goes on record with each run.
        inputs: What is given to it: a picture by itself, and more under names of their own, such as `mask`.
        steps: The steps, if they are not added with `then`.
    """

    name: str
    inputs: tuple[str, ...] = ("image",)
    steps: tuple[Step, ...] = ()

    def __post_init__(self) -> None:
        check_name(self.name, (), "the recipe")
        # A frozen dataclass lets its own initialiser through this door only.
        listed: object = self.inputs
        given = (listed,) if isinstance(listed, str) else tuple(self.inputs)
        object.__setattr__(self, "inputs", given)
        object.__setattr__(self, "steps", tuple(self.steps))
        if not given:
            raise InputError("A recipe takes at least one picture.", field="inputs")
        for place, name in enumerate(given):
            check_name(name, given[:place], "the input")
        if len(self.steps) > MOST_STEPS:
            raise InputError(f"There are {len(self.steps)} steps; a recipe has {MOST_STEPS} at most.", field="steps")
        names = [step.name for step in self.steps]
        for place, name in enumerate(names):
            check_name(name, [*given, *names[:place]], "the step")
        check_circles(self.steps)
        earlier: dict[str, Step] = {}
        for place, step in enumerate(self.steps):
            check_step(step, given, earlier, names[place + 1 :])
            earlier[step.name] = step

    # ------------------------------------------------------------------ making one

    def then(
        self,
        name: str,
        model: str | ModelSpec,
        inputs: Mapping[str, Any] | None = None,
        /,
        *,
        of: str | Sequence[str] | Mapping[str, str | Sequence[str]] | None = None,
        **more_inputs: Any,
    ) -> Recipe:
        """This recipe with one more step.

        Example:
            >>> recipe = rf.Recipe("retouch", inputs=("image", "mask")).then("clean", "runflow/tag-removal")
            >>> recipe.then("gone", "runflow/object-removal", of={"image": "clean", "mask": "mask"})
            Recipe('retouch', 2 steps)

        Args:
            name: What the step is called, and the folder of its results.
            model: The model's id.
            inputs: Inputs that are the same for every picture, also as keywords.
            of: Where its picture comes from: an earlier step, or an input of the recipe; by default the step before.
                Several names for a model that takes several pictures; a dict where more than one input gets one.

        Raises:
            InputError: It could not run; the sentence says what is wrong in which step.
        """
        model_id = model.id if isinstance(model, ModelSpec) else model
        try:
            spec = spec_of(model_id)
            named = _named(spec, self._end() if of is None else of)
            given = fixed(spec, {**(inputs or {}), **more_inputs})
        except InputError as error:
            raise InputError(
                f"Step {shown(name)}: {error.message}", field=f"{name}.{error.field}", advice=error.advice
            ) from error
        return replace(self, steps=(*self.steps, Step(name, model_id, named, given)))

    def fan_out(self, of: str, steps: Mapping[str, str | tuple[str, Mapping[str, Any]]], /) -> Recipe:
        """This recipe with several steps that all take the same picture.

        Example:
            >>> wide = {"aspect_ratio": "16:9", "resolution": "1K"}
            >>> recipe = rf.Recipe("two").then("clean", "runflow/tag-removal")
            >>> recipe.fan_out("clean", {"cut": "bria/background/remove", "wide": ("runflow/smart-resize", wide)}).ends
            ('cut', 'wide')
        """
        recipe = self
        listed: object = steps
        if not isinstance(listed, Mapping) or not listed:
            raise InputError(f"The steps are {shown(listed)}; they take a dict of names with models.", field="steps")
        for name, entry in steps.items():
            model, inputs = (entry, {}) if isinstance(entry, str | ModelSpec) else _pair(name, entry)
            recipe = recipe.then(name, model, inputs, of=of)
        return recipe

    def _end(self) -> str:
        ends = self.ends
        if len(ends) > 1:
            raise InputError(
                f"The recipe has {len(ends)} ends: {', '.join(map(repr, ends))}.",
                field="of",
                advice=f"Say which one it takes: of={ends[-1]!r}.",
            )
        return ends[0]

    @property
    def ends(self) -> tuple[str, ...]:
        """The steps whose results no other takes; before there is a step, the picture itself."""
        return ends_of(self.steps) or self.inputs[:1]

    def __getitem__(self, name: str) -> Step:
        for step in self.steps:
            if step.name == name:
                return step
        there_are = f"There are {', '.join(step.name for step in self.steps) or 'none'}."
        raise InputError(f"There is no step {shown(name)}.", field="step", advice=there_are)

    # ------------------------------------------------------------------ money, and the way to results

    def quote(self, inputs: Any = 1, *, session: Session | None = None) -> RecipeQuote:
        """What it costs, step by step and in all, before anything is sent.

        Args:
            inputs: How many pictures, or whatever `run` takes.
            session: Where it would run; by default what `rf.connect` last opened.
        """
        session = session or current()
        if isinstance(inputs, int) and not isinstance(inputs, bool):
            count = inputs
        else:
            # Further inputs change no price; where they are not given with the pictures, anything stands for them.
            count = len(sources_for(self.name, self.inputs, inputs, dict.fromkeys(self.inputs[1:], "")))
        if count < 0:
            raise InputError(f"There is no price for {count} pictures.", field="inputs")
        return price_by_step(session, self.name, self.steps, count)

    def run(
        self,
        inputs: Any,
        /,
        *,
        concurrency: int | None = None,
        budget_usd: float | str | Decimal | None = None,
        on_error: OnError = "keep",
        reuse: bool = True,
        timeout_s: float | None = None,
        session: Session | None = None,
        within_budget: bool = True,
        **common: Any,
    ) -> RecipeRun:
        """Run it for one picture or many; gives what fills in the background at once.

        Each picture goes on to its next step as soon as it is there. The same call made again, after a restart too,
        takes every finished step from the record and goes on with the first that is missing.

        Example:
            >>> done = rf.Recipe.named("colours").run("photos/", budget_usd=20)
            >>> saved = done.result().save("colours/")

        Args:
            inputs: A picture, a folder, a glob, a list, a table, or earlier results, as for `rf.map`; dicts and rows
                name the recipe's inputs.
            concurrency: How many runs are under way at once, of all steps together; by default as in `rf.map`.
            budget_usd: What all of it may cost together; more, and nothing is sent.
            on_error: `keep` goes on with all other pictures; `stop` sends nothing further after the first failure;
                `raise` also raises it where the results are waited for.
            reuse: Whether runs on record with the same inputs are taken in place of new ones.
            timeout_s: How long to follow each run.
            session: Where to run; by default what `rf.connect` last opened.
            within_budget: False sends it also where it passes a limit.
            common: Further inputs of the recipe that are the same for all, such as `mask=`.

        Raises:
            InputError: There is nothing to run, or an input is missing.
            BudgetError: It would pass a limit; nothing was sent.
        """
        warn_of_the_original()
        limit_usd = check_options(concurrency, on_error, budget_usd)
        if not self.steps:
            raise InputError(f"The recipe {self.name!r} has no step.", field="steps", advice="Add one with then().")
        session = session or current()
        check_here(session, self.steps)
        sources = sources_for(self.name, self.inputs, inputs, common)
        if within_budget:
            price = agreed(session, self.name, self.steps, sources, limit_usd, reuse=reuse)
        else:
            price = price_by_step(session, self.name, self.steps, len(sources)).total
        work = Work(
            self.name,
            self.inputs,
            self.steps,
            session,
            sources,
            concurrency=concurrency or min(MOST_AT_ONCE, session.at_once()),
            on_error=on_error,
            reuse=reuse,
            timeout_s=timeout_s,
            within_budget=within_budget,
            origin=inputs if isinstance(inputs, Results) else None,
        )
        return RecipeRun(work, price=price)

    # ------------------------------------------------------------------ kept as a file

    def to_json(self) -> str:
        """The recipe as text; files on this machine are in it with their bytes.

        Raises:
            InputError: A file cannot be read.
        """
        return text_of(document_of(self.name, self.inputs, self.steps, None))

    @classmethod
    def from_json(cls, text: str) -> Recipe:
        """A recipe from its text.

        Raises:
            InputError: It is no recipe, or one that cannot run; the sentence says what is wrong.
        """
        return cls(*parse(text, None))

    def save(self, path: str | Path) -> Path:
        """Write it to a file; pictures that lie beside the file or below stay files, others come along inside.

        Raises:
            OutputError: The file cannot be written.
        """
        goal = Path(path).expanduser()
        return write_text(goal, text_of(document_of(self.name, self.inputs, self.steps, goal.parent)))

    @classmethod
    def load(cls, path: str | Path) -> Recipe:
        """Read it from a file.

        Raises:
            InputError: There is none, it is no recipe, or one that cannot run.
        """
        source = Path(path).expanduser()
        return cls(*parse(load_text(source), source.parent))

    @classmethod
    def named(cls, name: str) -> Recipe:
        """One of the recipes that come with the package: `banner`, `colours`, `retouch` or `shop`.

        Example:
            >>> print(rf.Recipe.named("shop"))

        Raises:
            InputError: There is none of that name.
        """
        known = {path.stem: path for path in sorted(_BUNDLED.glob("*.json"))}
        if name not in known:
            there_are = f"There are {', '.join(known)}."
            raise InputError(f"There is no recipe {shown(name)} in the package.", field="name", advice=there_are)
        return cls.load(known[name])

    # ------------------------------------------------------------------ how it shows

    def __str__(self) -> str:
        return told(self.name, self.inputs, self.steps)

    def __repr__(self) -> str:
        return f"Recipe({self.name!r}, {len(self.steps)} step{'' if len(self.steps) == 1 else 's'})"

    def _repr_mimebundle_(self, **_: object) -> dict[str, Any]:
        return {"text/plain": str(self), "text/html": drawn(self.name, self.inputs, self.steps)}


def _named(spec: ModelSpec, of: str | Sequence[str] | Mapping[str, str | Sequence[str]]) -> dict[str, Of]:
    if not isinstance(of, Mapping):
        of = {picture_name(spec): of}
    named: dict[str, Of] = {}
    for name, source in of.items():
        if not isinstance(source, str) and not (
            isinstance(source, Sequence) and all(isinstance(s, str) for s in source)
        ):
            raise InputError(
                f"{name} comes from {shown(source)}; it takes the name of a step or an input.", field=str(name)
            )
        named[str(name)] = source if isinstance(source, str) else tuple(source)
    return named


def _pair(name: str, entry: object) -> tuple[str, Mapping[str, Any]]:
    match entry:
        case (str() | ModelSpec() as model, Mapping() as inputs):
            return model.id if isinstance(model, ModelSpec) else model, inputs
    raise InputError(
        f"Step {name!r} is {shown(entry)}; it takes a model, or a model and its inputs.", field=f"{name}.model"
    )
