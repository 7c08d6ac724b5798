"""A real ``zeekml watch`` process, and what it wrote."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import orjson

ROOT = Path(__file__).resolve().parents[2]
PATIENCE = 60.0
"""Seconds after which what should have happened long ago counts as a failure."""


def command_of(folder: Path, paths: Sequence[Path], *options: str) -> list[str]:
    """The command line of a watch with its folders ``out`` and ``state`` in ``folder``."""
    command = [sys.executable, "-m", "zeekml", "watch", *map(str, paths), "--out", str(folder / "out")]
    return [*command, "--state", str(folder / "state"), "--log-threshold", "0", *options]


class Watching:
    """``zeekml watch`` with its folders ``out`` and ``state`` in ``folder``; what it says goes to ``said``.

    ``within`` puts the command into other surroundings; ``environment`` is added to that of the tests.
    """

    def __init__(
        self,
        folder: Path,
        paths: Sequence[Path],
        *options: str,
        within: Callable[[list[str]], list[str]] = lambda command: command,
        environment: Mapping[str, str] | None = None,
    ) -> None:
        self.out = folder / "out"
        self.said = folder / "said"
        with self.said.open("ab") as said:
            self.process = subprocess.Popen(
                within(command_of(folder, paths, *options)),
                cwd=ROOT,
                env={**os.environ, **(environment or {})},
                stdin=subprocess.DEVNULL,
                stdout=said,
                stderr=said,
                start_new_session=True,
            )

    def kill(self) -> int:
        """SIGKILL; the exit status, 0 where it had ended before."""
        self.process.kill()
        return self.process.wait()

    def terminate(self) -> float:
        """SIGTERM; the seconds that it took to end."""
        began = time.monotonic()
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(PATIENCE)
        return time.monotonic() - began

    def finish(self) -> int:
        """Wait for its end; the exit status."""
        return self.process.wait(PATIENCE)


@contextmanager
def watching(
    folder: Path,
    paths: Sequence[Path],
    *options: str,
    within: Callable[[list[str]], list[str]] = lambda command: command,
    environment: Mapping[str, str] | None = None,
) -> Iterator[Watching]:
    """A watch that is gone when the block ends."""
    watch = Watching(folder, paths, *options, within=within, environment=environment)
    try:
        yield watch
    finally:
        watch.kill()


def records(folder: Path, name: str) -> list[bytes]:
    """The records of an output, those of its rotated files too, in any order."""
    paths = [folder / f"{name}.log", *folder.glob(f"{name}.*.log")]
    texts = [path.read_bytes() for path in paths if path.exists()]
    return [line for text in texts for line in text.splitlines() if not line.startswith(b"#")]


def count(folder: Path, name: str = "zeekml") -> int:
    """How many records there are; files may be rotated while it counts."""
    try:
        return len(records(folder, name))
    except FileNotFoundError:
        return 0


def uids(lines: Sequence[bytes]) -> Counter[str]:
    """The uid of each record."""
    found: Counter[str] = Counter()
    for line in lines:
        found[orjson.loads(line)["uid"] if line.startswith(b"{") else line.split(b"\t")[1].decode()] += 1
    return found


def wait_for(folder: Path, number: int, *, alive: Watching | None = None) -> None:
    """Wait until zeekml.log has so many records; AssertionError when it takes too long."""
    ends = time.monotonic() + PATIENCE
    while count(folder) < number:
        assert time.monotonic() < ends, f"{count(folder)} of {number} records after {PATIENCE:g} s"
        assert alive is None or alive.process.poll() is None, alive and alive.said.read_text()[-2000:]
        time.sleep(0.02)


def settings_file(folder: Path, text: str) -> Path:
    """A configuration for a watch that opens no port."""
    path = folder / "zeekml.yaml"
    path.write_text(f"metrics: {{listen: ''}}\n{text}")
    os.chmod(path, 0o644)  # noqa: PTH101
    return path
