"""The figures of a benchmark: printed as a table, and kept as JSON for the table of all of them.

    python tests/benchmarks/figures.py [FOLDER]      write FOLDER/table.md from what the benchmarks left there

Each benchmark writes `NAME.json` into the folder that RUNFLOW_BENCH_OUTPUT names, `bench-output` by default.
"""

from __future__ import annotations

import json
import os
import platform
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

FOLDER = Path(os.environ.get("RUNFLOW_BENCH_OUTPUT", "bench-output"))


class Figures:
    """One table of one benchmark.

    Args:
        name: What the file is called.
        title: What was measured, and how.
    """

    def __init__(self, name: str, title: str) -> None:
        self.name = name
        self.title = title
        self.rows: list[dict[str, Any]] = []
        self._load = os.getloadavg()[0]

    def add(self, what: str, **figures: Any) -> None:
        """One row: numbers by what they are, in the words of a heading (`_` for a space, `s_per_MP` for `s per MP`)."""
        self.rows.append({"what": what, **figures})

    def tell(self) -> None:
        """Print the table, and keep it."""
        print(f"\n{self.title}")
        for line in _aligned(_cells(self.rows)):
            print(f"  {line}")
        FOLDER.mkdir(parents=True, exist_ok=True)
        kept = {
            "title": self.title,
            "when": datetime.now(UTC).isoformat(timespec="seconds"),
            "machine": machine(),
            "load_before": round(self._load, 2),
            "commit": _commit(),
            "rows": self.rows,
        }
        (FOLDER / f"{self.name}.json").write_text(json.dumps(kept, indent=1, ensure_ascii=False) + "\n")


def percentiles(times: list[float]) -> dict[str, float]:
    """What is typical and what is bad, in the unit of the numbers."""
    ordered = sorted(times)
    return {
        name: ordered[min(len(ordered) - 1, int(share * len(ordered)))]
        for name, share in (("p50", 0.5), ("p95", 0.95), ("p99", 0.99))
    }


def machine() -> str:
    """The machine in words; nothing that names it."""
    memory_gb = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    python = f"Python {platform.python_version()}"
    return f"{os.cpu_count()} cores ({platform.machine()}), {memory_gb:.0f} GB, {platform.system()}, {python}"


def _commit() -> str:
    asked = subprocess.run(["git", "rev-parse", "--short", "HEAD"], capture_output=True, text=True)
    return asked.stdout.strip()


def _cells(rows: list[dict[str, Any]]) -> list[list[str]]:
    names = list(dict.fromkeys(name for row in rows for name in row))
    head = ["" if name == "what" else name.replace("_", " ") for name in names]
    return [head, *([_written(row.get(name)) for name in names] for row in rows)]


def _written(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, float):
        return f"{value:.3g}" if abs(value) < 100 else f"{value:,.0f}"
    return f"{value:,}" if isinstance(value, int) and not isinstance(value, bool) else str(value)


def _aligned(cells: list[list[str]]) -> list[str]:
    widths = [max(len(row[column]) for row in cells) for column in range(len(cells[0]))]
    return [
        "  ".join(cell.ljust(width) if place == 0 else cell.rjust(width) for place, (cell, width) in enumerate(pairs))
        for pairs in (list(zip(row, widths, strict=True)) for row in cells)
    ]


def _as_markdown(kept: dict[str, Any]) -> str:
    head, *body = _cells(kept["rows"])
    lines = [f"**{kept['title']}**", "", "| " + " | ".join(head) + " |"]
    lines += ["|" + "|".join([" --- ", *([" ---: "] * (len(head) - 1))]) + "|"]
    lines += ["| " + " | ".join(row) + " |" for row in body]
    told = f"{kept['machine']}; load {kept['load_before']} before it began; {kept['when'][:10]}, {kept['commit']}"
    return "\n".join([*lines, "", told, ""])


def main(folder: Path) -> None:
    """Write all that is kept as one page."""
    found = sorted(folder.glob("*.json"))
    if not found:
        sys.exit(f"There is nothing in {folder}; run a benchmark first.")
    page = "\n".join(_as_markdown(json.loads(path.read_text())) for path in found)
    (folder / "table.md").write_text(page)
    print(f"{len(found)} tables in {folder / 'table.md'}")


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else FOLDER)
