"""Weights of neural networks on this machine: which are known, where they lie, and how they come here.

Nothing is fetched unless it is asked for by name and its licence is accepted by name. What was fetched is checked
against its known SHA-256 and kept in one folder; a file of your own is used where it lies.
"""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from .client import Outside
from .errors import ConfigError, InputError, OutputError
from .ledger import home
from .portal import shared

_REMBG: Final = "https://github.com/danielgatis/rembg/releases/download/v0.0.0/"


@dataclass(frozen=True, slots=True)
class Weights:
    """One file of weights: what network it is, under what licence, and how it is recognised."""

    name: str
    kind: str
    licence: str
    url: str
    sha256: str
    size_bytes: int

    @property
    def path(self) -> Path:
        """Where it lies once it was fetched."""
        return home() / "weights" / f"{self.name}.onnx"


KNOWN: Final = {
    entry.name: entry
    for entry in (
        Weights(
            "birefnet",
            "birefnet",
            "MIT",
            f"{_REMBG}BiRefNet-general-epoch_244.onnx",
            "58f621f00f5d756097615970a88a791584600dcf7c45b18a0a6267535a1ebd3c",
            972_666_916,
        ),
        Weights(
            "birefnet-lite",
            "birefnet",
            "MIT",
            f"{_REMBG}BiRefNet-general-bb_swin_v1_tiny-epoch_232.onnx",
            "5600024376f572a557870a5eb0afb1e5961636bef4e1e22132025467d0f03333",
            224_005_088,
        ),
        Weights(
            "isnet",
            "isnet",
            "Apache-2.0",
            f"{_REMBG}isnet-general-use.onnx",
            "60920e99c45464f2ba57bee2ad08c919a52bbf852739e96947fbb4358c0d964a",
            178_648_008,
        ),
        Weights(
            "u2net",
            "u2net",
            "Apache-2.0",
            f"{_REMBG}u2net.onnx",
            "8d10d2f3bb75ae3b6d527c77944fc5e7dcd94b29809d47a739a7a728a912b491",
            175_997_641,
        ),
        Weights(
            "lama",
            "lama",
            "Apache-2.0",
            "https://huggingface.co/Carve/LaMa-ONNX/resolve/main/lama_fp32.onnx",
            "1faef5301d78db7dda502fe59966957ec4b79dd64e16f03ed96913c7a4eb68d6",
            208_044_816,
        ),
    )
}
#: Kinds that are loaded from a file of yours only: the weights of RMBG are for non-commercial use, MI-GAN's come in
#: several exports.
OF_YOURS: Final = ("rmbg", "migan")


def locate(choice: str) -> tuple[str, Path]:
    """The kind of a network and its file: a known name, or `kind:path` for a file of yours.

    Raises:
        ConfigError: It is not on this machine, or there is no such kind.
    """
    kind, colon, path = choice.partition(":")
    kinds = {*OF_YOURS, *(entry.kind for entry in KNOWN.values())}
    if colon and kind in kinds:
        file = Path(path).expanduser()
        if not file.is_file():
            raise ConfigError(f"There is no file {path!r} for the network {kind}.", advice="Check the path.")
        return kind, file.resolve()
    if choice not in KNOWN:
        raise ConfigError(
            f"No network is known as {choice!r}; there are {', '.join(KNOWN)}.",
            advice=f"A file of yours is named kind:path, with one of the kinds {', '.join(sorted(kinds))}.",
        )
    weights = KNOWN[choice]
    if not weights.path.is_file():
        raise ConfigError(
            f"The weights of {choice} are not on this machine ({_megabytes(weights)}, {weights.licence}).",
            advice=f"Fetch them once: rf.fetch_weights({choice!r}, accept_licence={weights.licence!r}).",
        )
    return weights.kind, weights.path


def fetch_weights(
    name: str, *, accept_licence: str | None = None, say: Callable[[float], object] | None = None
) -> Path:
    """Fetch the weights of a network onto this machine, once.

    Example:
        >>> rf.fetch_weights("isnet", accept_licence="Apache-2.0")
        >>> rf.connect(models={"bria/background/remove": "isnet"})

    Args:
        name: `birefnet`, `birefnet-lite`, `isnet`, `u2net` or `lama`.
        accept_licence: The licence's name, to say that you accept it.
        say: Told how far it is, from 0 to 1; writes to the error output by default.

    Raises:
        ConfigError: The licence was not accepted.
        OutputError: The file could not be fetched, or is not the one that is known.
    """
    if name not in KNOWN:
        raise InputError(f"No network is known as {name!r}; there are {', '.join(KNOWN)}.", field="name")
    weights = KNOWN[name]
    if weights.path.is_file():
        return weights.path
    if accept_licence != weights.licence:
        host = urlsplit(weights.url).hostname
        raise ConfigError(
            f"{name} is {_megabytes(weights)} from {host}, under the licence {weights.licence}.",
            advice=f"To accept it and fetch them: rf.fetch_weights({name!r}, accept_licence={weights.licence!r}).",
        )
    return shared().call(bring(weights, Outside(whole_s=4 * 3600), say or _on_error_output(name)))


async def bring(weights: Weights, outside: Outside, say: Callable[[float], object]) -> Path:
    """Fetch, check and keep one file of weights; a wrong or broken one leaves nothing behind."""
    digest, received = hashlib.sha256(), 0
    partial = weights.path.with_suffix(".part")
    partial.parent.mkdir(parents=True, exist_ok=True)
    try:
        with partial.open("wb") as file:

            def take(chunk: bytes) -> None:
                nonlocal received
                received += len(chunk)
                digest.update(chunk)
                file.write(chunk)
                say(min(1.0, received / weights.size_bytes))

            await outside.stream(weights.url, take, limit_bytes=2 * weights.size_bytes)
        if digest.hexdigest() != weights.sha256:
            raise OutputError(
                f"What came for {weights.name} is not the known file (SHA-256 {digest.hexdigest()[:12]}…).",
                advice="Nothing was kept. Try again later, or name a file of yours as kind:path.",
            )
        partial.replace(weights.path)
    finally:
        partial.unlink(missing_ok=True)
        await outside.close()
    return weights.path


def _megabytes(weights: Weights) -> str:
    return f"{weights.size_bytes / 1e6:.0f} MB"


def _on_error_output(name: str) -> Callable[[float], None]:
    last = -1

    def say(fraction: float) -> None:
        nonlocal last
        percent = int(100 * fraction)
        if percent // 5 > last // 5 or last < 0:
            last = percent
            sys.stderr.write(f"\r{name}: {percent} %")
            sys.stderr.flush()

    return say
