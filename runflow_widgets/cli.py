"""The command line: run models, look up models and runs, serve the embedded models, show what they do.

`python -m runflow_widgets run runflow/tag-removal --image mug.jpg -o cleaned`; `--help` tells the rest.
"""

from __future__ import annotations

import argparse
import os
import signal
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from . import cli_runs
from .completion import SCRIPTS, complete, script_for
from .errors import RunflowError

# What a command needs is imported where it is needed: every press of Tab comes through here.
if TYPE_CHECKING:
    from .running import Run
    from .session import Session

#: What `serve` takes to keep others from having too much of it, and what it is for.
_LIMITS: Final = (
    ("requests_per_s", float, "how many requests each address may send (default 1000)"),
    ("wrong_keys_per_min", float, "how many of them may bring a wrong key (default 10)"),
    ("patience_s", float, "how many seconds a connection may stand still (default 10)"),
    ("max_connections", int, "how many there may be at once (default 512)"),
    ("keep_free_mb", int, "how many megabytes of the disk are left to others (default 1024)"),
)


def main(arguments: Sequence[str] | None = None) -> int:
    """Read the command line and do what it says; the answer is the exit code."""
    arguments = sys.argv[1:] if arguments is None else arguments
    if arguments and arguments[0] == "__complete":
        return _complete(arguments[1:])
    options = _parser().parse_args(arguments)
    try:
        return int(options.do(options))
    except RunflowError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        # Whoever read us has seen enough; Python must not complain of it once more when it closes the pipe.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 141


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="runflow-widgets", description="Runflow image models, also without a key.")
    commands = parser.add_subparsers(required=True, metavar="command")

    serving = commands.add_parser("serve", help="serve the embedded models over HTTP, like the real service")
    serving.add_argument("--port", type=int, default=8787, help="the port (default %(default)s; 0 takes a free one)")
    serving.add_argument("--host", default="127.0.0.1", help="the address to listen on (default %(default)s)")
    serving.add_argument("--key", help="what clients must send; may stand in RUNFLOW_SERVE_KEY instead")
    serving.add_argument(
        "--allow-private",
        action="store_true",
        help="let image_url, zip_url and callback_url name loopback and private addresses",
    )
    serving.add_argument("--folder", type=Path, help="where runs and files are kept")
    serving.add_argument("--workers", type=int, help="how many runs are computed at once")
    serving.add_argument("--credit", help="charge catalogue prices against this many dollars of play money")
    limits = serving.add_argument_group("limits")
    for name, kind, what in _LIMITS:
        limits.add_argument(f"--{name.replace('_', '-')}", type=kind, help=what)
    serving.set_defaults(do=_serve)

    demo = commands.add_parser("demo", help="run the four models on bundled pictures")
    demo.add_argument("-o", "--output", type=Path, default=Path("demo-output"), help="where the pictures go")
    demo.set_defaults(do=_demo)
    cli_runs.add_to(commands)

    completion = commands.add_parser(
        "completion", help="print what makes a shell complete: source <(… completion bash)"
    )
    completion.add_argument("shell", choices=sorted(SCRIPTS), help="the shell that is to read it")
    completion.set_defaults(do=_print_script)
    return parser


def _complete(words: Sequence[str]) -> int:
    """Answer the shell's function; it is no command of ours, so `--help` does not tell of it."""
    line, typed = [*words, None, None][:2]
    for found in complete(_parser(), line or "", typed):
        print(found)
    return 0


def _print_script(options: argparse.Namespace) -> int:
    print(script_for(options.shell), end="")
    return 0


def _serve(options: argparse.Namespace) -> int:
    from .serving import serve

    # A terminated server ends like an interrupted one: it gives back its folder and its workers.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    key = options.key or os.environ.get("RUNFLOW_SERVE_KEY")
    server = serve(
        options.port,
        host=options.host,
        key=key,
        allow_private=options.allow_private,
        folder=options.folder,
        workers=options.workers,
        credit_usd=options.credit,
        **{name: value for name, *_ in _LIMITS if (value := getattr(options, name)) is not None},
    )
    with server:
        note = "a key is required" if key else "no key is required"
        print(f"Serving the Runflow API at {server.url} ({note})", flush=True)
        print(f"What it serves: {server.url}/v1/openapi.json · end with Ctrl-C", flush=True)
        server.wait()
    return 0


def _demo(options: argparse.Namespace) -> int:
    from .connection import connect

    session = connect(embedded=True)
    print(session.label)
    for run, sample in _demo_runs(session, options.output):
        run.result()
        saved = run.save(options.output)
        places = ", ".join(str(path) for path in saved)
        print(f"  {run.model:28} {sample:14} {run.elapsed_s:5.1f} s  ${run.cost}  -> {places}", flush=True)
    print(f"The pictures are in {options.output.resolve()}; the originals lie beside the results.")
    session.close()
    return 0


def _demo_runs(session: Session, folder: Path) -> list[tuple[Run, str]]:
    from . import samples
    from .client import write_whole
    from .images import encode_png
    from .running import start

    jobs: tuple[tuple[str, str, dict[str, Any]], ...] = (
        ("runflow/tag-removal", "tagged_mug", {}),
        ("runflow/object-removal", "picnic", {"mask": samples.load("picnic_mask")}),
        ("runflow/product-isolation", "perfume", {"aspect_ratio": "4:5", "resolution": "1K"}),
        ("bria/background/remove", "plant", {}),
    )
    runs = []
    for model, sample, more in jobs:
        photo = samples.load(sample)
        write_whole(folder / f"before-{sample}.png", encode_png(photo))
        runs.append((start(model, {"image": photo, **more}, session=session), sample))
    return runs
