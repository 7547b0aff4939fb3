"""Run every benchmark file here: `make bench`, or `python benchmarks/run.py weights moran`."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).parent


def main(names: list[str]) -> int:
    """Run ``bench_*.py``, all or those named."""
    files = sorted(HERE.glob("bench_*.py"))
    chosen = [f for f in files if not names or f.stem.removeprefix("bench_") in names]
    failed = 0
    for file in chosen:
        print(f"\n## {file.stem.removeprefix('bench_')}\n", flush=True)
        failed += subprocess.run([sys.executable, str(file)], check=False).returncode != 0
    return failed


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
