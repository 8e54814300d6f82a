"""What the gallery says of a run: a line for its card, all that is known for its details."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from ..following import living
from ..images.kinds import IMAGE_ENDINGS
from ..ledger import Entry
from ..local_copy import copies_of
from ..settings import settings_from
from ..wire import CANCELLED, FAILED, SUCCEEDED, Json
from .run_panel import WORDS

#: Under which names models take what is asked for, the likelier first.
PROMPTS: Final = ("prompt", "text", "instruction", "description")
_FILMS: Final = frozenset({"mp4", "webm", "mov"})
_LONG: Final = 4000


def tone_of(entry: Entry) -> str:
    """How a run stands, as colours tell it: going, open, done, failed or cancelled."""
    if entry.is_open:
        return "going" if living(entry.key) is not None else "open"
    if entry.status in FAILED:
        return "failed"
    return "cancelled" if entry.status in CANCELLED else "done"


def state_of(entry: Entry) -> str:
    """How a run stands, in words."""
    tone, word = tone_of(entry), WORDS.get(entry.status, entry.status)
    if tone == "open":
        return "Done, not fetched yet" if entry.status in SUCCEEDED else f"Open; last seen: {word.lower()}"
    if tone == "going" and entry.status in SUCCEEDED:
        return "Fetching the result"
    return word


def cost_of(entry: Entry) -> str:
    """What it cost, or what is expected, told apart."""
    if entry.service == "embedded":
        return "free"
    if entry.cost is not None and (entry.cost or not entry.is_open):
        return f"${entry.cost}"
    if entry.status in FAILED | CANCELLED:
        return "not billed"
    return f"expected {entry.price}" if entry.price else "cost not known"


def took_of(entry: Entry) -> str:
    """How long it took."""
    if entry.duration_ms is None:
        return ""
    seconds = entry.duration_ms / 1000
    return f"{seconds:.1f} s" if seconds < 60 else f"{seconds // 60:.0f} min {seconds % 60:.0f} s"


def when_of(entry: Entry) -> str:
    """When it was begun, by the clock of this machine."""
    return _moment(entry.created_at)


def _moment(moment: datetime | None) -> str:
    return moment.astimezone().strftime("%Y-%m-%d %H:%M:%S") if moment else ""


def picture_of(entry: Entry) -> Path | None:
    """The first result that is a picture and lies on this machine."""
    if entry.removed_at is not None:
        return None
    paths = (Path(path) for path in entry.files)
    return next((path for path in paths if path.suffix[1:].lower() in IMAGE_ENDINGS and path.exists()), None)


def kind_of(entry: Entry) -> str:
    """What stands in place of a picture: image, film, file, deleted or nothing."""
    if entry.removed_at is not None:
        return "deleted"
    endings = [Path(path).suffix[1:].lower() for path in entry.files]
    if not endings:
        return ""
    return "image" if endings[0] in IMAGE_ENDINGS else "film" if endings[0] in _FILMS else "file"


def row_of(entry: Entry) -> Json:
    """A run as its card shows it."""
    return {
        "key": entry.key,
        "model": entry.model,
        "state": state_of(entry),
        "tone": tone_of(entry),
        "when": entry.created_at.timestamp() if entry.created_at else 0,
        "cost": cost_of(entry),
        "took": took_of(entry),
        "starred": entry.starred,
        "kind": kind_of(entry),
        "files": len(entry.files),
    }


def details_of(entry: Entry) -> Json:
    """All that is known of a run, and what can be done with it."""
    settings = settings_from(entry)
    inputs = [[name, _value(value)] for name, value in settings.inputs.items()]
    seed = "" if settings.seed is None or "seed" in settings.inputs else str(settings.seed)
    facts = [
        ["Model", entry.model],
        ["State", state_of(entry)],
        ["When", when_of(entry)],
        ["Took", took_of(entry)],
        ["Cost", cost_of(entry)],
        ["Where", "in a kernel" if entry.service == "embedded" else entry.service],
        ["Seed used", seed],
        ["Id", entry.id or ""],
        ["Key", entry.key],
        ["Deleted", f"{_moment(entry.removed_at)}: its files, from this machine" if entry.removed_at else ""],
    ]
    facts = [fact for fact in facts if fact[1]]
    error = error_of(entry)
    files = [_file(Path(path)) for path in entry.files] if entry.removed_at is None else []
    lines = [f"{name}: {value}" for name, value in facts]
    if error:
        lines.append(f"Error: {error['code']} {error['sentence']} {error['advice']}".replace("  ", " "))
    lines += [f"{name}: {value}" for name, value in inputs]
    picture = picture_of(entry) is not None
    return {
        "key": entry.key,
        "title": entry.model,
        "starred": entry.starred,
        "tone": tone_of(entry),
        "facts": facts,
        "inputs": inputs,
        "error": error,
        "files": files,
        "text": "\n".join([*lines, *(f"File: {file['path']}" for file in files)]),
        "picture": picture,
        "saves": any(file["there"] for file in files),
        "deletes": any(path.exists() for path in copies_of(entry)),
        "resumes": tone_of(entry) == "open",
        "again": tone_of(entry) != "going",
        "parts": [
            *(["seed"] if seed or "seed" in entry.inputs else []),
            *(["prompt"] if any(name in entry.inputs for name in PROMPTS) else []),
        ],
    }


def error_of(entry: Entry) -> Json:
    """What went wrong: the code, a sentence, and what to do; empty if nothing did."""
    if entry.status not in FAILED:
        return {}
    code = entry.failure_code or ""
    if code == "NOT_SENT":
        advice = "It never reached the service, so nothing was billed. Run it again."
    elif "INPUT" in code or "VALIDATION" in code:
        advice = "A failed run is not billed. Bring its inputs into a form, change them there, and run that."
    else:
        advice = "A failed run is not billed. Run it again; if it fails again, the service's support needs its id."
    return {"code": code, "sentence": entry.failure_message or "The service gives no reason.", "advice": advice}


def _value(value: Any) -> str:
    if isinstance(value, str):
        name, found, _ = value.removeprefix("file:").partition("#sha256=")
        return f"{name} (a file)" if found and value.startswith("file:") else value[:_LONG]
    plain = not isinstance(value, Mapping | list)
    return str(value) if plain and not isinstance(value, bool) else json.dumps(value, ensure_ascii=False)[:_LONG]


def _file(path: Path) -> Json:
    return {"name": path.name, "path": str(path), "there": path.exists()}
