"""What can be done with a run of the gallery: saved, starred, compared, painted on, filled into a form, run again."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

from ..catalogue import Catalogue, ModelSpec
from ..client import ZIPPED
from ..errors import InputError, OutputError, RunflowError
from ..filling import questions_of, values_of
from ..following import begun_here
from ..images import extension_for
from ..ledger import Entry, Ledger
from ..result import Output
from ..running import Run, start, take_up
from ..session import Session, address_of, current, opened
from ..settings import settings_from
from ..snippets import snippet
from ..wire import Json, plain_name
from .compare import Compare, compare
from .form import ModelForm
from .gallery_words import PROMPTS, picture_of
from .mask_pad import MaskPad

PARTS: Final = ("all", "seed", "prompt")


def session_for(session: Session | None) -> Session:
    """The session that runs of the gallery go to."""
    return session or current()


def outputs_of(entry: Entry) -> list[Output]:
    """The results that lie on this machine.

    Raises:
        OutputError: There are none.
    """
    paths = [Path(path) for path in entry.files] if entry.removed_at is None else []
    outputs = [Output.at(path, entry) for path in paths if path.exists()]
    if not outputs:
        raise OutputError("This run has no files on this machine.", run_id=entry.id, key=entry.key)
    return outputs


def file_of(entry: Entry, index: int) -> tuple[str, str, bytes]:
    """Name, type and content of a result as it is saved; the name begins with the model's."""
    outputs = outputs_of(entry)
    if not 0 <= index < len(outputs):
        raise InputError(f"The run has {len(outputs)} files.", key=entry.key)
    output = outputs[index]
    stem = plain_name(entry.model.rpartition("/")[2])
    ending = output.path.suffix or f".{extension_for(output.mime_type)}"
    return f"{stem}-{output.path.stem}{ending}", output.mime_type, output.bytes_to_save()


def run_of(entry: Entry, session: Session | None) -> Run:
    """A run of the record to go on working with; nothing is asked of the service."""
    begun = begun_here(entry.key)
    if isinstance(begun, Run) and entry.removed_at is None:
        return begun
    return take_up(session_for(session), entry, follow=False)


def resume(entry: Entry, session: Session | None) -> Run:
    """Follow an open run again.

    Raises:
        InputError: It runs at a service that is not the connected one.
    """
    session = session_for(session)
    if entry.service != session.service:
        raise InputError(
            f"This run is known to {entry.service}, and connected is {session.service}.",
            advice="rf.connect(…) connects to the other.",
            key=entry.key,
        )
    return take_up(session, entry)


def star(entry: Entry, ledger: Ledger) -> None:
    """Give it a star, or take it away."""
    ledger.update(entry.key, starred=not entry.starred)


# ---------------------------------------------------------------------- run again


def again_inputs(entry: Entry) -> Json:
    """The inputs to run it again with, pictures included.

    Raises:
        InputError: A file among them was not kept.
    """
    begun = begun_here(entry.key)
    if begun is not None and begun._given:
        return dict(begun._given)
    # Without the seed that the service chose: who runs it again wants another picture, unless a seed was asked for.
    values = _values(entry, with_seed=False)
    if lost := _lost(entry, values):
        raise InputError(
            f"What was given as {', '.join(lost)} was not kept with the record of this run.",
            field=lost[0],
            advice="Bring its inputs into a form and choose it there.",
        )
    return values


def question_before(entry: Entry, session: Session | None) -> str:
    """What to ask before it is run again; empty where that costs nothing."""
    session = session_for(session)
    again_inputs(entry)
    if session.where == "embedded":
        return ""
    price = _spec(entry, session).price_of(entry.inputs)
    return f"Run {entry.model} again? Price: {price.text}{f' ({price.note})' if price.note else ''}. {session.label}"


def run_again(entry: Entry, session: Session | None) -> Run:
    """Send it once more: a new run, with a new key and a new price."""
    session = session_for(session)
    return start(_spec(entry, session), again_inputs(entry), session=session)


def _spec(entry: Entry, session: Session) -> ModelSpec:
    # The service may know models that this catalogue does not; here there are no others.
    is_known = entry.model in session.catalogue or session.where == "embedded"
    return session.catalogue.get(entry.model) if is_known else ModelSpec(id=entry.model)


# ---------------------------------------------------------------------- opened below


def compared(a: Entry, b: Entry) -> Compare:
    """The first pictures of two runs laid together."""
    labels = [label_of(a), label_of(b)]
    # Of one model, and begun in the same second.
    return compare(_picture(a), _picture(b), labels=labels if labels[0] != labels[1] else None)


def label_of(entry: Entry) -> str:
    """What a run is called beside another."""
    when = f" {entry.created_at.astimezone():%d %b %H:%M:%S}" if entry.created_at else ""
    return f"{entry.model.rpartition('/')[2]}{when}"


def pad_of(entry: Entry) -> MaskPad:
    """A mask pad on its first picture; the mask is kept under the run's key."""
    return MaskPad(_picture(entry), key=f"gallery-{entry.key}")


def _picture(entry: Entry) -> Output:
    path = picture_of(entry)
    if path is None:
        raise OutputError(f"The run of {label_of(entry)} has no picture on this machine.", key=entry.key)
    return Output.at(path, entry)


def fill(form: ModelForm, entry: Entry, part: str) -> str:
    """Bring inputs of a run into a form that there is; gives what was done, in a sentence. The form can undo it.

    Raises:
        InputError: The run, or the form, has no such input.
    """
    values = _values(entry)
    if part == "all":
        if form.spec.id != entry.model:
            form.change_model(_spec_of(entry, form.spec))
        form._core.take(values, f"Filled in from the run of {label_of(entry)}.")
        lost = _lost(entry, values)
        return (
            f"In the form is all but {', '.join(lost)}: choose that there." if lost else "All inputs are in the form."
        )
    source, goal = _input_named(_spec_of(entry, form.spec), part), _input_named(form.spec, part)
    value = values.get(source) if source is not None else None
    if value is None:
        raise InputError(f"This run had no {part} of its own.", key=entry.key)
    if goal is None:
        raise InputError(f"{form.spec.id} takes no {part}.", field=part)
    form._core.take({**form.value, goal: value}, f"The {part} is that of {label_of(entry)}.")
    return f"The {part} is in the form."


def form_of(entry: Entry, session: Session | None, part: str) -> tuple[ModelForm, str]:
    """A new form of the run's model, with its inputs."""
    form = ModelForm(_spec_of(entry), session=session)
    try:
        return form, fill(form, entry, part)
    except RunflowError:
        form.close()
        raise


def _values(entry: Entry, *, with_seed: bool = True) -> Json:
    """What was given, as a form takes it; files only where they are kept, or still held in this kernel."""
    settings = settings_from(entry)
    values = values_of(replace(settings, inputs=entry.inputs, seed=settings.seed if with_seed else None))
    if "zip_url" in entry.inputs and "zip_url" not in values:
        for long, _ in ZIPPED.values():
            values.pop(long, None)
    begun = begun_here(entry.key)
    for name, given in (begun._given if begun is not None else {}).items():
        long = next((one for one in (name, f"{name}_url", f"{name}s", f"{name}_urls") if one in entry.inputs), name)
        values.setdefault(long, given)
    return values


def _lost(entry: Entry, values: Json) -> list[str]:
    """The inputs of which a part, such as one picture of several, is no longer there."""
    zipped = {"zip_url", *(long for long, _ in ZIPPED.values())}
    names = entry.inputs.keys() - (zipped if "image" in values else set())
    return sorted(name for name in names if _leaves(entry.inputs[name]) != _leaves(values.get(name)))


def _leaves(value: Any) -> int:
    if isinstance(value, Mapping | list | tuple):
        return sum(_leaves(one) for one in (value.values() if isinstance(value, Mapping) else value))
    return 0 if value is None else 1


def _spec_of(entry: Entry, *known: ModelSpec) -> ModelSpec:
    """What is known of the run's model; of one that no catalogue lists, a form takes the inputs as JSON."""
    session = opened()
    catalogue = session.catalogue if session is not None else Catalogue.bundled()
    listed = [spec for spec in known if spec.id == entry.model]
    return next(iter(listed), None) or (
        catalogue.get(entry.model) if entry.model in catalogue else ModelSpec(id=entry.model)
    )


def _input_named(spec: ModelSpec, part: str) -> str | None:
    if part == "seed":
        return next((one.path for one in questions_of(spec) if one.ask == "seed" and "." not in one.path), None)
    names = {field.name for field in spec.inputs}
    return next((name for name in PROMPTS if name in names), None)


# ---------------------------------------------------------------------- code


def code_of(entry: Entry, language: str) -> str:
    """The run as code."""
    return snippet(language, entry.model, entry.inputs, base_url=address_of(entry.service))
