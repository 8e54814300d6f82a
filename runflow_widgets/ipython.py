"""What `%load_ext runflow_widgets` adds to IPython: `%runflow`, `%%runflow`, completion, pictures with their size.

Nothing is changed before it is loaded; loading says what is, and `%unload_ext runflow_widgets` takes it all back.
"""

from __future__ import annotations

import html
import shlex
from collections.abc import Iterator, Mapping
from typing import Any, Final

from IPython.core.completer import CompletionContext, SimpleCompletion, context_matcher
from IPython.core.error import UsageError
from IPython.core.magic import Magics, line_cell_magic, magics_class

from .catalogue import Catalogue, ModelSpec, choices_of, paths_of
from .cell_inputs import read_cell
from .connection import Models, connect
from .errors import RunflowError
from .history import Runs
from .nesting import nest
from .running import Run, start
from .session import budget, current, opened

_WORDS: Final = {
    "status": "where runs go, and what was spent",
    "models": "the models whose id, name, maker, family or purpose holds all the words that follow",
    "runs": "the runs on record, also those that hold the words that follow",
    "budget": "the limit, or with an amount: set it (`%runflow budget 2.00 day`, `%runflow budget off`)",
    "connect": "connect with the key of this machine; `%runflow connect embedded` for runs in this kernel",
    "nest": "let `asyncio.run(...)` work in cells",
}
_THUMB_PX: Final = 420


@magics_class
class RunflowMagics(Magics):
    """`%runflow` and `%%runflow`."""

    @line_cell_magic
    def runflow(self, line: str, cell: str | None = None) -> Any:
        """Ask or set something (`%runflow status`), or run a model with the inputs in the cell (`%%runflow MODEL`)."""
        try:
            return self._ask(line) if cell is None else self._run(line, cell)
        except RunflowError as error:
            # The sentence says it; a traceback through this package would help nobody.
            raise UsageError(str(error)) from None

    def _ask(self, line: str) -> Any:
        word, _, rest = line.strip().partition(" ")
        match word:
            case "" | "status":
                return Status()
            case "models":
                return Models()(rest)
            case "runs":
                return Runs()(rest or None)
            case "budget":
                return _set_budget(rest.split())
            case "connect":
                return connect(embedded=True) if rest.strip() == "embedded" else connect()
            case "nest":
                return nest()
        raise UsageError(f"%runflow does not know {word!r}; it knows {', '.join(_WORDS)}.")

    def _run(self, line: str, cell: str) -> Run:
        words = shlex.split(line)
        name = None
        if "--as" in words[:-1]:
            place = words.index("--as")
            name = words[place + 1]
            del words[place : place + 2]
        if len(words) != 1 or (name is not None and not name.isidentifier()):
            raise UsageError(
                "Usage: %%runflow MODEL [--as NAME], and one input a line: name = value, or name = $variable"
            )
        spec = current().catalogue.get(words[0])
        variables: dict[str, Any] = self.shell.user_ns if self.shell is not None else {}
        run = start(spec, read_cell(cell, spec, variables))
        if name is not None:
            variables[name] = run
        return run


class Status:
    """Where runs go, what is spent and what is open."""

    def __repr__(self) -> str:
        session = opened()
        where = repr(session) if session is not None else "Nothing is connected yet; the first run connects."
        runs = Runs()(limit=10_000)
        still_open = len(Runs()(open_only=True, limit=10_000))
        record = f"{len(runs)} runs on record, ${runs.total_usd} spent, {still_open} still open."
        return "\n".join([where, f"Limit: {budget()!r}.", record])


def _set_budget(words: list[str]) -> Any:
    if not words:
        return budget()
    amount = None if words[0] in ("off", "none") else words[0].lstrip("$")
    return budget(amount, per="day" if "day" in words[1:] else "session")


# ---------------------------------------------------------------------- completion


@context_matcher()  # type: ignore[untyped-decorator]  # IPython is not typed
def complete(context: CompletionContext) -> dict[str, Any]:
    """Words after `%runflow`, model ids after `%%runflow`, input names and choices in its cell."""
    token = context.token
    found = [text for text in _fitting(context) if text.startswith(token.lstrip("%"))]
    return {"completions": [SimpleCompletion(text=text, type="runflow") for text in found], "suppress": bool(found)}


def _fitting(context: CompletionContext) -> Iterator[str]:
    before = context.line_with_cursor[: context.cursor_position]
    first = context.full_text.lstrip().partition("\n")[0]
    if before.lstrip().startswith("%%runflow "):
        yield from _ids()
    elif before.lstrip().startswith("%runflow "):
        yield from _WORDS if len(before.split()) < 3 and before.count(" ") < 2 else ()
    elif first.startswith("%%runflow "):
        spec = _spec_in(first)
        if spec is not None:
            yield from _in_cell(spec, before)


def _in_cell(spec: ModelSpec, before: str) -> list[str]:
    name, sign, _ = before.partition("=")
    return choices_of(spec, name.strip()) if sign else paths_of(spec)


def _catalogue() -> Catalogue:
    # Completing is not connecting.
    session = opened()
    return session.catalogue if session is not None else Catalogue.bundled()


def _ids() -> Iterator[str]:
    yield from (spec.id for spec in _catalogue())


def _spec_in(line: str) -> ModelSpec | None:
    words = line.split()
    known = _catalogue()
    return known.get(words[1]) if len(words) > 1 and words[1] in known else None


# ---------------------------------------------------------------------- pictures


def picture_html(picture: Any) -> str:
    """A Pillow picture, small, with its size and mode below it."""
    from .images import data_uri, encode_png, thumbnail

    small = picture if max(picture.size) <= _THUMB_PX else thumbnail(picture, _THUMB_PX)
    facts = f"{picture.width} × {picture.height} px · {html.escape(picture.mode)}"
    return f'<img alt="{facts}" src="{data_uri(encode_png(small), "image/png")}"><div>{facts}</div>'


# ---------------------------------------------------------------------- loading


def load(shell: Any) -> str:
    """Add all of it to a shell; says what was added."""
    shell.register_magics(RunflowMagics)
    if complete not in shell.Completer.custom_matchers:
        shell.Completer.custom_matchers.append(complete)
    formatter = shell.display_formatter.formatters["text/html"]
    formatter.for_type_by_name("PIL.Image", "Image", picture_html)
    return (
        "runflow_widgets: %runflow and %%runflow are there, with completion; Pillow pictures are shown with size and "
        "mode. %unload_ext runflow_widgets takes it back."
    )


def unload(shell: Any) -> None:
    """Take all of it back."""
    for kind in ("line", "cell"):
        shell.magics_manager.magics[kind].pop("runflow", None)
    shell.magics_manager.registry.pop("RunflowMagics", None)
    if complete in shell.Completer.custom_matchers:
        shell.Completer.custom_matchers.remove(complete)
    formatter = shell.display_formatter.formatters["text/html"]
    formatter.deferred_printers.pop(("PIL.Image", "Image"), None)
    for kind in [one for one, printer in formatter.type_printers.items() if printer is picture_html]:
        del formatter.type_printers[kind]


def words() -> Mapping[str, str]:
    """What `%runflow` knows, and what it is for."""
    return _WORDS
