"""A watch whose output folder is a small disk that fills up, and is emptied again; run by ``test_disk.py``.

``python -m tests.faults.full_disk FOLDER LOG OPTION...`` where ``FOLDER/out`` is that disk. Prints what was seen as
JSON and leaves the outputs in ``FOLDER/kept``, since nobody outside sees the disk.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

from tests.faults.watching import PATIENCE, ROOT, command_of

ROOM = 60_000
"""Bytes that are free when the watch begins."""


def main(folder: Path, log: Path, options: list[str]) -> None:
    """Fill the disk but for ``ROOM``, watch until that fails, empty it, watch again."""
    out = folder / "out"
    filler = out / "filler"
    filler.write_bytes(bytes(shutil.disk_usage(out).free - ROOM))
    failed = subprocess.run(
        command_of(folder, [log], *options), cwd=ROOT, capture_output=True, text=True, timeout=PATIENCE, check=False
    )  # fmt: skip
    stood = (out / "zeekml.log").read_bytes()
    full = shutil.disk_usage(out).free == 0
    filler.unlink()
    again = subprocess.run(
        command_of(folder, [log], *options, "--once"), cwd=ROOT, capture_output=True, text=True, check=False
    )
    seen = {
        "code": failed.returncode,
        "said": failed.stderr,
        "full": full,
        "stood": len(stood),
        "kept": (out / "zeekml.log").read_bytes().startswith(stood),
        "code_again": again.returncode,
        "said_again": again.stderr,
    }
    sys.stdout.write(json.dumps(seen))
    shutil.copytree(out, folder / "kept")


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3:])
