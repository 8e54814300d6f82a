"""The commands about models and runs: run, models, runs, resume, open."""

from __future__ import annotations

import argparse
import importlib.util
import json
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from .catalogue import Catalogue, ModelSpec
from .errors import ConfigError, InputError, RunflowError
from .ledger import Entry

# What a command needs is imported where it is needed: every press of Tab comes through here.
if TYPE_CHECKING:
    from .running import Run
    from .session import Session

#: The terminal is told of progress this often.
_EVERY_S: Final = 0.2
_BAR: Final = 24
_FAILED: Final = 1


def add_to(commands: Any) -> None:
    """Add these commands to a parser."""
    running = commands.add_parser("run", help="run a model and save what it makes")
    running.add_argument("model", help="its id, such as runflow/tag-removal; `models` lists them")
    running.add_argument("--image", action="append", default=[], help="a picture: path or address; may be repeated")
    running.add_argument("--mask", help="a mask: white where the model is to act")
    running.add_argument("--set", action="append", default=[], metavar="NAME=VALUE", help="any other input")
    running.add_argument("-o", "--output", type=Path, default=Path(), help="the folder to save into (default: here)")
    running.add_argument("--budget", help="refuse a run that costs more than this many dollars")
    running.add_argument("--timeout", type=float, help="stop waiting after so many seconds; the run goes on")
    _add_where(running)
    running.set_defaults(do=_run)

    models = commands.add_parser("models", help="the models, or those that fit some words")
    models.add_argument("words", nargs="*", help="words of the id, name, maker, family or purpose; or a whole id")
    models.add_argument("--json", action="store_true", help="as JSON")
    models.set_defaults(do=_models)

    runs = commands.add_parser("runs", help="the runs on record, the newest first")
    runs.add_argument("words", nargs="*", help="words of the inputs, the model, the key or the id")
    runs.add_argument("--open", action="store_true", help="only those that may still bring something")
    runs.add_argument("--limit", type=int, default=20, help="how many (default %(default)s)")
    runs.add_argument("--json", action="store_true", help="as JSON")
    runs.set_defaults(do=_list_runs)

    resume = commands.add_parser("resume", help="follow the runs that are still open, and fetch what they made")
    _add_where(resume)
    resume.set_defaults(do=_resume)

    opening = commands.add_parser("open", help="open a notebook in JupyterLab")
    opening.add_argument("notebook", nargs="?", type=Path, help="the notebook, or a folder (default: here)")
    opening.set_defaults(do=_open)


def _add_where(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--embedded", action="store_true", help="run on this machine, also with a key at hand")
    parser.add_argument("--json", action="store_true", help="tell the outcome as JSON; progress goes to stderr")


def _session(options: argparse.Namespace) -> Session:
    from .connection import connect

    session = connect(embedded=True) if options.embedded else connect()
    print(session, file=sys.stderr)
    return session


# ---------------------------------------------------------------------- run and resume


def _run(options: argparse.Namespace) -> int:
    from .filling import Answers
    from .running import start
    from .session import budget

    session = _session(options)
    try:
        spec = session.catalogue.get(options.model)
        inputs = _inputs(options, spec)
        quote = Answers(spec, inputs).quote()
        print("free: it runs here" if session.where == "embedded" else f"price: {quote.text}", file=sys.stderr)
        if options.budget is not None:
            budget(options.budget)
        run = start(spec, inputs, session=session, timeout_s=options.timeout)
        return _follow([run], options, folder=options.output)
    finally:
        session.close()


def _inputs(options: argparse.Namespace, spec: ModelSpec) -> dict[str, Any]:
    from .cell_inputs import read_cell

    for text in options.set:
        if "=" not in text:
            raise InputError(f"--set {text}: a name and a value are needed.", advice="Write --set NAME=VALUE.")
    values = read_cell("\n".join(options.set), spec, {})
    if len(options.image) == 1:
        values["image"] = options.image[0]
    elif options.image:
        values["images"] = options.image
    if options.mask is not None:
        values["mask"] = options.mask
    return values


def _resume(options: argparse.Namespace) -> int:
    from .history import Runs

    session = _session(options)
    try:
        runs = Runs().resume(session=session)
        print(f"{len(runs)} runs are open.", file=sys.stderr)
        return _follow(runs, options)
    finally:
        session.close()


def _follow(runs: Sequence[Run], options: argparse.Namespace, folder: Path | None = None) -> int:
    """Wait for runs with a line of progress; an interrupt ends the wait as `run.result()` does."""
    failed = 0
    told: list[dict[str, Any]] = []
    for run in runs:
        try:
            for _ in _progress(run):
                time.sleep(_EVERY_S)
            run.result()
            saved = run.save(folder) if folder is not None else [output.path for output in run.outputs]
        except RunflowError as error:
            failed += 1
            saved = []
            print(f"error: {error}", file=sys.stderr)
        except KeyboardInterrupt:
            if not run.is_embedded:
                print("\nStopped waiting; the run goes on and is billed. `resume` collects it.", file=sys.stderr)
            raise
        told.append(_outcome(run, saved))
        if not options.json:
            for path in saved:
                print(path)
    if options.json:
        print(json.dumps(told, indent=2))
    return _FAILED if failed else 0


def _progress(run: Run) -> Iterator[None]:
    """Draw where a run stands for as long as it goes on; on a terminal only, for a log has no use for it."""
    while not run.done:
        if sys.stderr.isatty():
            done = run.progress
            bar = "…" if done is None else "█" * round(_BAR * done) + "░" * (_BAR - round(_BAR * done))
            print(
                f"\r{run.model}  {run.status:10}  {bar}  {run.elapsed_s:5.1f} s ", end="", file=sys.stderr, flush=True
            )
        yield
    if sys.stderr.isatty():
        print(file=sys.stderr)


def _outcome(run: Run, saved: Sequence[Path]) -> dict[str, Any]:
    return {
        "model": run.model,
        "status": run.status,
        "id": run.id,
        "key": run.key,
        "cost_usd": None if run.cost is None else str(run.cost),
        "seconds": round(run.elapsed_s, 3),
        "files": [str(path) for path in saved],
        "error": run.error.message if run.error is not None else None,
    }


# ---------------------------------------------------------------------- looking things up


def _models(options: argparse.Namespace) -> int:
    catalogue = Catalogue.bundled()
    if len(options.words) == 1 and options.words[0] in catalogue:
        spec = catalogue.get(options.words[0])
        print(json.dumps(_model(spec), indent=2) if options.json else spec)
        return 0
    found = catalogue.search(" ".join(options.words))
    print(json.dumps([_model(spec) for spec in found], indent=2) if options.json else found)
    return 0 if len(found) else _FAILED


def _model(spec: ModelSpec) -> dict[str, Any]:
    return {
        "id": spec.id,
        "name": spec.name,
        "maker": spec.maker,
        "purpose": spec.purpose,
        "price": spec.price.text,
        "runs_here": spec.embedded,
        "inputs": [
            {"name": field.name, "kind": field.kind, "required": field.required, "takes": field.takes}
            for field in spec.inputs
        ],
    }


def _list_runs(options: argparse.Namespace) -> int:
    from .history import Runs

    found = Runs()(" ".join(options.words) or None, open_only=options.open, limit=options.limit)
    if options.json:
        print(json.dumps([_entry(entry) for entry in found], indent=2))
    else:
        print(found)
    return 0


def _entry(entry: Entry) -> dict[str, Any]:
    return {
        "key": entry.key,
        "id": entry.id,
        "model": entry.model,
        "status": entry.status,
        "created_at": entry.created_at.isoformat() if entry.created_at else None,
        "cost_usd": None if entry.cost is None else str(entry.cost),
        "files": list(entry.files),
        "failure": entry.failure_message,
    }


def _open(options: argparse.Namespace) -> int:
    if importlib.util.find_spec("jupyterlab") is None:
        raise ConfigError("JupyterLab is not installed.", advice='Install it: pip install "runflow-widgets[lab]"')
    path = (options.notebook or Path()).expanduser()
    if not path.exists():
        raise InputError(f"There is no notebook {str(path)!r}.")
    return subprocess.call([sys.executable, "-m", "jupyterlab", "--ServerApp.ip=127.0.0.1", str(path)])
