"""Who works for us on a Dask cluster: which workers there are, which can do our work, and how busy they are."""

from __future__ import annotations

import pkgutil
import platform
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final

from ..errors import ConfigError

#: Asked for by name, for the package itself imports nothing of the engine, nor the engine the package.
_VERSION: Final = "runflow_widgets:__version__"
_ADVICE: Final = "Install the same version of it on every worker."


@dataclass(slots=True)
class DaskWorker:
    """One worker; `flaw` says why it cannot do our work."""

    address: str
    threads: int
    flaw: str = ""
    orders: int = 0


class Crew:
    """The workers of a cluster, as of the last look."""

    def __init__(self, client: Any) -> None:
        self._client = client
        self._workers: dict[str, DaskWorker] = {}

    @property
    def _fit(self) -> list[DaskWorker]:
        return [worker for worker in self._workers.values() if not worker.flaw]

    @property
    def threads(self) -> int:
        """How many orders they can do at once."""
        return sum(worker.threads for worker in self._fit)

    @property
    def text(self) -> str:
        """How many there are, in words."""
        count = len(self._fit)
        unfit = len(self._workers) - count
        return f"{count} Dask worker{'' if count == 1 else 's'}" + (f" ({unfit} more cannot be used)" if unfit else "")

    async def look(self) -> None:
        """See who is there now.

        Raises:
            ConfigError: There are workers, and none of them can do our work.
        """
        threads = await self._client.nthreads()
        new = [address for address in threads if address not in self._workers]
        flaws = await self._flaws(new) if new else {}
        for address in self._workers.keys() - threads.keys():
            del self._workers[address]
        for address in new:
            # Looked at by another call meanwhile, it may have orders already.
            self._workers.setdefault(address, DaskWorker(address, threads[address], flaws.get(address, "")))
        if self._workers and not self._fit:
            raise ConfigError(next(iter(self._workers.values())).flaw, advice=_ADVICE)

    async def check_scheduler(self) -> None:
        """Make sure that the scheduler can read what is sent to it.

        Raises:
            ConfigError: It runs another version of Python.
        """
        mine, python = _minor(platform.python_version()), await self._client.run_on_scheduler(platform.python_version)
        if _minor(python) != mine:
            raise ConfigError(
                f"The Dask scheduler runs Python {python}, and this kernel {mine}.",
                advice="Dask needs the same version everywhere.",
            )

    async def _flaws(self, addresses: list[str]) -> dict[str, str]:
        mine = _minor(platform.python_version())

        async def ask(function: Any, *arguments: Any) -> dict[str, Any]:
            found = await self._client.run(function, *arguments, workers=addresses, on_error="return")
            return dict(found)

        # Functions of the standard library: they are there on every worker, whatever else is not.
        pythons = await ask(platform.python_version)
        versions = await ask(pkgutil.resolve_name, _VERSION)
        flaws = {}
        for address, python in pythons.items():
            version = versions.get(address)
            if _minor(str(python)) != mine:
                flaws[address] = f"The Dask worker {address} runs Python {python}, and this kernel {mine}."
            elif version != package_version():
                flaws[address] = flaw_of(address, version if isinstance(version, str) else None)
        return flaws

    def lose(self, address: str) -> None:
        """A worker is gone."""
        self._workers.pop(address, None)

    def dismiss(self, told: dict[str, Any]) -> str:
        """Give no more work to one that said it cannot do it; says why."""
        flaw = flaw_of(told["address"], told["version"])
        if (worker := self._workers.get(told["address"])) is not None:
            worker.flaw = flaw
        return f"{flaw} {_ADVICE}"

    def pick(self) -> DaskWorker | None:
        """The one with the least to do; None while there is nobody."""
        return min(self._fit, key=lambda worker: (worker.orders + 1) / worker.threads, default=None)

    @contextmanager
    def busy(self, worker: DaskWorker | None) -> Iterator[None]:
        """Count an order while it is with a worker."""
        if worker is None:
            yield
            return
        worker.orders += 1
        try:
            yield
        finally:
            worker.orders -= 1


def package_version() -> str:
    """Which version of this package is here."""
    return str(pkgutil.resolve_name(_VERSION))


def flaw_of(address: str, version: str | None) -> str:
    """Why a worker with that version of the package, or none, cannot do our work."""
    if version is None:
        return f"The Dask worker {address} has no runflow_widgets."
    return f"The Dask worker {address} has runflow_widgets {version}, and this kernel {package_version()}."


def _minor(python: str) -> str:
    return ".".join(python.split(".")[:2])
