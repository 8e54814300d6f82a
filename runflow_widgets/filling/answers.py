"""What was filled in for a model: values by field, what cannot be read yet, what is wrong, what it will cost."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from ..catalogue import ModelSpec, Quote
from ..client import ZIPPED
from ..errors import InputError
from ..images import is_image_like
from ..wire import ASSET_SCHEME, Asset, Json
from .kept import SHORT_NAMES
from .questions import Question, questions_of, takes_short_names

_PENDING: Final = f"{ASSET_SCHEME}00000000-0000-0000-0000-000000000000"
_MEDIA: Final = frozenset({"image", "image_list", "file", "mask"})
#: The same picture under the names that different models give it.
_SAME: Final = (
    ("image", "image_url", "image_urls", "images", "start_image_url"),
    ("mask", "mask_url"),
    ("reference", "reference_url"),
)


@dataclass(frozen=True, slots=True)
class Moved:
    """What became of the answers when the model was changed: what fits, and what was left behind."""

    answers: Answers
    kept: tuple[str, ...]
    dropped: Json


class Answers:
    """The values that were set for a model; what was not set is not in them, and is not sent.

    None means: not set.

    Example:
        >>> answers = Answers(spec, {"aspect_ratio": "1:1"})
        >>> answers.problems()
        {'image_url': 'Image is missing; it takes an image.', …}
    """

    def __init__(self, spec: ModelSpec, values: Mapping[str, Any] | None = None) -> None:
        self.spec = spec
        self.questions: tuple[Question, ...] = questions_of(spec)
        self.unread: dict[str, tuple[str, str]] = {}
        self._values: Json = {}
        self.replace(values or {})

    # ------------------------------------------------------------------ values

    @property
    def value(self) -> Json:
        """All that was set, as `rf.run` takes it; a copy."""
        return {name: _copied(entry) for name, entry in self._values.items()}

    def replace(self, values: Mapping[str, Any]) -> None:
        """Set these values and no others."""
        if not isinstance(values, Mapping):
            raise InputError(f"The inputs are {values!r}; they must be an object with a name for each value.")
        self.unread.clear()
        named = (self._with_real_name(str(name), entry) for name, entry in values.items() if entry is not None)
        self._values = {name: _copied(entry) for name, entry in named}

    def _with_real_name(self, name: str, value: Any) -> tuple[str, Any]:
        """`image=` and `mask=` stand for whatever the model calls them, as in `rf.run`."""
        takes = {question.name: question for question in self.questions}
        goal = _counterpart(name, takes) if name in SHORT_NAMES and name not in takes else None
        if goal is None:
            return name, value
        return goal.name, [value] if goal.ask == "image_list" and not isinstance(value, list | tuple) else value

    def get(self, path: str) -> Any:
        """The value at a path such as `config.aspect_ratio`; None if it was not set."""
        found: Any = self._values
        for name in self._names(path):
            found = found.get(name) if isinstance(found, Mapping) else None
        return found

    def set(self, path: str, value: Any) -> None:
        """Set one value; None takes it back."""
        self.unread.pop(path, None)
        *outer, last = self._names(path)
        inside = self._values
        for name in outer:
            if value is None and name not in inside:
                return
            nested = inside.get(name)
            inside[name] = inside = dict(nested) if isinstance(nested, Mapping) else {}
        if value is not None:
            inside[last] = _copied(value)
        elif last in inside:
            del inside[last]
            if outer and not inside:
                # An object that only held this is not to be sent empty.
                self.set(".".join(outer), None)

    def leave_unread(self, path: str, text: str, sentence: str) -> None:
        """Remember what was typed and cannot be read; nothing is sent while it stands."""
        self.set(path, None)
        self.unread[path] = text, sentence

    def is_set(self, path: str) -> bool:
        """Whether there is a value, or something that was meant as one."""
        return self.get(path) is not None or path in self.unread

    def others(self) -> Json:
        """Values whose names no question asks for."""
        asked = {question.name for question in self.questions}
        return {name: _copied(entry) for name, entry in self._values.items() if name not in asked}

    def set_others(self, values: Mapping[str, Any]) -> None:
        """Set the values whose names no question asks for."""
        asked = {question.name for question in self.questions}
        mine = {name: entry for name, entry in self._values.items() if name in asked}
        self._values = {**mine, **{str(n): _copied(v) for n, v in values.items() if v is not None and n not in asked}}

    def _names(self, path: str) -> list[str]:
        # Only what stands in a group has a path of its own; the name of an input may hold anything, a dot as well.
        inner = {nested.path for question in self.questions for nested in question.all()} - {
            question.path for question in self.questions
        }
        return path.split(".") if path in inner else [path]

    # ------------------------------------------------------------------ what follows from them

    def problems(self) -> dict[str, str]:
        """The path of each input that is not right yet, and a sentence; empty if all can be sent."""
        found: dict[str, str] = {path: sentence for path, (_, sentence) in self.unread.items()}
        for path, sentence in self._media_problems():
            found.setdefault(path, sentence)
        for path, sentence in self.spec.check(self._checkable()).items():
            found.setdefault(path, sentence)
        for question in takes_short_names(self.spec) if self._wants_short() else ():
            if question.field.required and question.name not in self._values:
                # The ready-made zip does as well, so that its name must be in the sentence.
                found.setdefault(question.path, f"{question.label} is missing; it takes an image.")
        return found

    def quote(self) -> Quote:
        """What a run with these values costs."""
        return self.spec.price_of(self._checkable())

    def short_of(self, path: str) -> str:
        """The name that is asked for in place of a field of the zip; any other path as it is."""
        if self._wants_short():
            return next((short for short, (long, _) in ZIPPED.items() if long == path), path)
        return path

    def _wants_short(self) -> bool:
        return bool(takes_short_names(self.spec)) and "zip_url" not in self._values

    def _checkable(self) -> Json:
        """The values with each picture as the reference that it becomes when it is sent."""
        media = {question.name for question in self.questions if question.ask in _MEDIA}
        values = {name: _stood_in(entry, media=name in media) for name, entry in self._values.items()}
        if self._wants_short():
            for short, (long, inside) in ZIPPED.items():
                values.pop(short, None)
                if any(field.name == long for field in self.spec.inputs):
                    values.setdefault(long, inside)
            values["zip_url"] = _PENDING
        return values

    def _media_problems(self) -> Iterator[tuple[str, str]]:
        for question in (nested for outer in self.questions for nested in outer.all()):
            value = self.get(question.path)
            if question.ask in _MEDIA and value is not None:
                for entry in value if isinstance(value, list | tuple) else [value]:
                    if isinstance(entry, str | Path) and not _is_there(entry):
                        yield question.path, f"{question.label}: there is no file {str(entry)[:200]!r}."

    # ------------------------------------------------------------------ another model

    def moved_to(self, spec: ModelSpec, *, put_aside: Mapping[str, Any] | None = None) -> Moved:
        """The same answers for another model: what fits there is kept.

        Args:
            spec: The other model.
            put_aside: What an earlier change has dropped; it comes back where it fits.
        """
        moved, kept, dropped = Answers(spec), [], {}
        takes = {question.name: question for question in moved.questions}
        for name, value in {**(put_aside or {}), **self._values}.items():
            goal = takes.get(name) or _counterpart(name, takes)
            fitting = None if goal is None else _fitted(goal, value)
            if goal is None or fitting is None or moved.is_set(goal.path):
                dropped[name] = value
                continue
            moved.set(goal.path, fitting)
            if name in self._values:
                kept.append(goal.path)
        return Moved(moved, tuple(kept), dropped)


def _copied(value: Any) -> Any:
    """Objects and lists anew, so that nobody changes ours from outside; a picture stays the very one that was given."""
    if isinstance(value, Mapping):
        return {str(name): _copied(entry) for name, entry in value.items()}
    return [_copied(entry) for entry in value] if isinstance(value, list | tuple) else value


def _stood_in(value: Any, *, media: bool) -> Any:
    if isinstance(value, list | tuple):
        return [_stood_in(entry, media=media) for entry in value]
    if media:
        # Whether a path leads anywhere was looked at before; here it stands for what will be uploaded.
        is_path = isinstance(value, str) and value.strip() and not _is_address(value)
        return value if isinstance(value, bool | int | float | str | Mapping) and not is_path else _PENDING
    if isinstance(value, Mapping):
        return {name: _stood_in(entry, media=False) for name, entry in value.items()}
    if value is None or isinstance(value, bool | int | float | str):
        return value
    if getattr(value, "shape", None) == () and callable(getattr(value, "item", None)):
        # NumPy's numbers are numbers.
        return value.item()
    is_picture = isinstance(value, Asset) or hasattr(value, "read_bytes") or is_image_like(value)
    return _PENDING if is_picture else value


def _is_address(text: str) -> bool:
    scheme, colon, _ = text.partition(":")
    return bool(colon) and scheme.isalnum() and len(scheme) > 1


def _is_there(entry: str | Path) -> bool:
    """Whether a path leads to a file; an address is not looked at here."""
    if isinstance(entry, str) and (_is_address(entry) or not entry.strip()):
        return True
    try:
        return Path(entry).expanduser().is_file()
    except (OSError, ValueError, RuntimeError):
        # Too long, or with signs that no path has, or in the home of nobody.
        return False


def _counterpart(name: str, takes: Mapping[str, Question]) -> Question | None:
    """The input that takes what another model calls by another name."""
    group = next((names for names in _SAME if name in names), ())
    return next((takes[other] for other in group if other in takes), None)


def _fitted(goal: Question, value: Any) -> Any:
    """The value as another input takes it; None if it does not."""
    media = goal.ask in _MEDIA
    if goal.ask == "image_list" and not isinstance(value, list):
        value = [value]
    elif media and goal.ask != "image_list" and isinstance(value, list):
        value = value[0] if value else None
    if value is None or (not media and _stood_in(value, media=False) != value):
        return None
    return value if goal.field.check(_stood_in(value, media=media)) is None else None
