"""zeekml is killed again and again while sensors write, rotate and crash; then everything must be there once."""

from __future__ import annotations

import random
import re
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from queue import Empty, SimpleQueue
from threading import Thread

from tests.builders import tiny_bundle
from tests.faults.sensors import SENSORS, log_of, reference_of
from tests.faults.watching import PATIENCE, ROOT, Watching, count, records, settings_file, uids, wait_for

_SETTINGS = """\
watch:
  checkpoint_every: 1
  rotate_size: 60000
  poll: 0.2
"""
# A network's arithmetic depends in its last bits on how many connections it is given at once.
_SCORE = re.compile(rb"0\.[0-9]{3,}")


@dataclass
class Result:
    """What a campaign found."""

    connections: int = 0
    kills: Counter[str] = field(default_factory=Counter)
    crashes: int = 0
    notices: int = 0
    problems: list[str] = field(default_factory=list)


class Campaign:
    """One campaign in an empty folder."""

    def __init__(self, folder: Path, seed: int, tell: Callable[[str], None] = lambda _: None) -> None:
        self.folder = folder
        self.chance = random.Random(seed)  # noqa: S311
        self.tell = tell
        self.result = Result()
        model = tiny_bundle(folder / "model")
        form = self.chance.choice(["tsv", "json"])
        self.common = ["--model", str(model), "--format", form]
        self.config = settings_file(folder, _SETTINGS)
        self.logs = [log_of(folder, name) for name in SENSORS]
        self.out, self.state = folder / "out", folder / "state"
        self.sensors = subprocess.Popen(
            [sys.executable, "-m", "tests.faults.sensors", str(folder), str(seed)],
            cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        )  # fmt: skip
        self._said: SimpleQueue[tuple[str, int]] = SimpleQueue()
        Thread(target=self._listen, daemon=True).start()

    def run(self, kills: int) -> Result:
        """Kill so often, then catch up and compare."""
        try:
            self._expect("begun")
            assert self._watch("--once", "--from-start").finish() == 0, self._last_words()
            self._say("go")
            while self.result.kills.total() < kills:
                self._kill_once()
            self._say("stop")
            while (said := self._said.get(timeout=PATIENCE))[0] != "done":
                pass  # it wanted to crash at just that moment
            self.result.connections = said[1]
            assert self._watch("--once").finish() == 0, self._last_words()
            self._compare()
        finally:
            self.sensors.kill()
            self.sensors.wait()
            for pipe in (self.sensors.stdin, self.sensors.stdout):
                if pipe is not None:
                    pipe.close()
        return self.result

    def _kill_once(self) -> None:
        watch = self._watch()
        try:
            self._let_crash(watch)
            when = self.chance.choice(["start", "any", "any", "checkpoint", "rotation"])
            self._wait_until(when, watch)
        finally:
            ended = watch.process.poll()
            watch.kill()
        assert ended is None, f"ended by itself with {ended}: {self._last_words()}"
        self.result.kills[when] += 1
        self.tell(f"kill {self.result.kills.total()} ({when}), {count(self.out)} records")

    def _wait_until(self, when: str, watch: Watching) -> None:
        """Return at the moment of the kill."""
        if when == "start":
            time.sleep(self.chance.random() * 3.0)
            return
        records_before = count(self.out)
        ends = time.monotonic() + PATIENCE
        while count(self.out) == records_before:
            assert time.monotonic() < ends, f"nothing new for {PATIENCE:g} s: {self._last_words()}"
            self._let_crash(watch)
            time.sleep(0.02)
        before, ends = self._seen(when), time.monotonic() + 3.0
        if when != "any":
            while self._seen(when) == before and time.monotonic() < ends:
                time.sleep(0.0005)
            time.sleep(self.chance.random() ** 3 * 0.02)
            return
        time.sleep(self.chance.random() * 1.5)

    def _seen(self, when: str) -> set[str]:
        if when == "checkpoint":  # a new journal begins, then the snapshot is written and renamed
            return {path.name for path in self.state.iterdir()}
        return {path.name for path in self.out.iterdir()}

    def _let_crash(self, watch: Watching) -> None:
        try:
            word, written = self._said.get_nowait()
        except Empty:
            return
        assert word == "crash"
        wait_for(self.out, written, alive=watch)
        self.result.crashes += 1
        self._say("go")

    def _compare(self) -> None:
        batch = self.folder / "batch"
        subprocess.run(
            [sys.executable, "-m", "zeekml", "score", *(str(reference_of(self.folder, name)) for name in SENSORS),
             "--out", str(batch), "--log-threshold", "0", "--quiet", "--config", str(self.config), *self.common],
            cwd=ROOT, check=True,
        )  # fmt: skip
        for name in ("zeekml", "notice"):
            live, whole = (Counter(map(_rounded, records(folder, name))) for folder in (self.out, batch))
            for kind, lines in (("missing", whole - live), ("too many", live - whole)):
                if lines:
                    self.result.problems.append(
                        f"{name}.log: {lines.total()} {kind}, such as {next(iter(lines))!r}"
                    )
        found = uids(records(self.out, "zeekml"))
        twice = [uid for uid, times in found.items() if times > 1]
        if twice or len(found) != self.result.connections:
            self.result.problems.append(
                f"{self.result.connections} connections written, {len(found)} found, "
                f"{len(twice)} more than once: {twice[:5]}"
            )
        self.result.notices = len(records(self.out, "notice"))

    def _watch(self, *options: str) -> Watching:
        return Watching(self.folder, self.logs, "--config", str(self.config), *self.common, *options)

    def _last_words(self) -> str:
        return (self.folder / "said").read_text()[-2000:]

    def _listen(self) -> None:
        assert self.sensors.stdout is not None
        for line in self.sensors.stdout:
            word, number = line.split()
            self._said.put((word, int(number)))

    def _expect(self, word: str) -> int:
        said = self._said.get(timeout=PATIENCE)
        assert said[0] == word
        return said[1]

    def _say(self, word: str) -> None:
        assert self.sensors.stdin is not None
        self.sensors.stdin.write(word + "\n")
        self.sensors.stdin.flush()


def _rounded(record: bytes) -> bytes:
    """A record less the numbers that are a network's: they need not agree in the last place."""
    return _SCORE.sub(b"0.", record)
