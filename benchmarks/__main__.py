"""All benchmarks one after another, at a small size: `python -m benchmarks`, or `make bench`.

Each runs in a process of its own and prints its table. The figures to keep are those of longer runs
on a quiet machine: `benchmarks/README.md` says how they were taken.
"""

import os
import subprocess
import sys
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent

RUNS: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("parse.py", ()),
    ("check.py", ()),
    ("mapping.py", ()),
    ("load.py", ("--rounds", "3")),
    ("store.py", ("--messages", "3000")),
    ("intake.py", ("--seconds", "1", "--rounds", "1", "--connections", "10", "100")),
    ("delivery.py", ("--count", "1500", "--rounds", "1")),
    ("node.py", ("--messages", "1500", "--rounds", "1")),
)


def main() -> int:
    """Run them; 1 when one of them failed."""
    environment = {**os.environ, "PYTHONPATH": str(HERE.parent)}
    failed: list[str] = []
    for name, arguments in RUNS:
        print(f"\n== {name} {' '.join(arguments)}", flush=True)
        began = time.monotonic()
        command = [sys.executable, str(HERE / name), *arguments]
        if subprocess.run(command, check=False, cwd=HERE.parent, env=environment).returncode:
            failed.append(name)
        print(f"   ({time.monotonic() - began:.0f} s)", flush=True)
    if failed:
        print(f"failed: {', '.join(failed)}", file=sys.stderr)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
