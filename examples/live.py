"""The live path in some seconds: a log grows as a sensor's would, ``zeekml watch`` follows it, notices appear.

Usage: python examples/live.py CONN_LOG FOLDER. The lines of CONN_LOG are appended to FOLDER/conn.log, FOLDER/out gets
the notices. FOLDER is made anew.
"""

from __future__ import annotations

import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

SECONDS = 6
LINES_A_SECOND = 3000
TURNS_A_SECOND = 10
PATIENCE = 180  # seconds; the first run on a machine compiles for its processor


def main(source: Path, folder: Path) -> int:
    """Run the demonstration; returns the exit code of the watch."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    log, out = folder / "conn.log", folder / "out"
    log.touch()
    config = folder / "zeekml.yaml"
    config.write_text("metrics: {listen: ''}  # another watch on this machine may have the port\n")
    command = [
        sys.executable,
        "-m",
        "zeekml",
        "watch",
        str(log),
        "--out",
        str(out),
        "--state",
        str(folder / "state"),
    ]
    print(f"zeekml watch {log} --out {out} --state {folder / 'state'}", flush=True)
    with subprocess.Popen([*command, "--from-start", "--config", str(config)]) as watch:
        try:
            _wait_for(folder / "state", watch)
            appended = _grow(log, source, notices := _notices(out / "notice.log"))
            time.sleep(1)
            _show(notices)
        finally:
            watch.send_signal(signal.SIGTERM)
        code = watch.wait(timeout=PATIENCE)
    print(f"{appended:,} lines appended in {SECONDS} s; notices: {out / 'notice.log'}")
    return code


def _wait_for(state: Path, watch: subprocess.Popen[bytes]) -> None:
    """Return when the watch has made its first snapshot: a slow machine may take a while to load the model."""
    ends = time.monotonic() + PATIENCE
    while not list(state.glob("snapshot.*")) and watch.poll() is None and time.monotonic() < ends:
        time.sleep(0.1)


def _grow(log: Path, source: Path, notices: Iterator[str | None]) -> int:
    """Append lines at a steady rate, showing the notices that come meanwhile; returns how many."""
    appended = 0
    with source.open("rb") as lines, log.open("ab", buffering=0) as growing:
        for _ in range(SECONDS * TURNS_A_SECOND):
            piece = list(islice(lines, LINES_A_SECOND // TURNS_A_SECOND))
            growing.write(b"".join(piece))
            appended += len(piece)
            time.sleep(1 / TURNS_A_SECOND)
            _show(notices)
    return appended


def _notices(path: Path) -> Iterator[str | None]:
    """What is appended to notice.log: note and message of each line, None when there is nothing new."""
    while not path.exists():
        yield None
    with path.open(encoding="utf-8") as lines:
        while True:
            start = lines.tell()
            line = lines.readline()
            fields = line.rstrip("\n").split("\t")
            if not line.endswith("\n"):
                lines.seek(start)  # a growing file can be seen with half a line at its end
                yield None
            elif not line.startswith("#"):
                yield f"{fields[10]:28}{fields[11]}"


def _show(notices: Iterator[str | None]) -> None:
    while (notice := next(notices)) is not None:
        print(notice, flush=True)


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), Path(sys.argv[2])))
