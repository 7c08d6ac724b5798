"""zeekml is killed again and again while sensors write, rotate and crash; then everything must be there once."""

from __future__ import annotations

import json
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from queue import Empty, SimpleQueue
from threading import Thread
from typing import Any

import yaml

from tests.builders import tiny_bundle
from tests.faults import sinks
from tests.faults.compare import compare
from tests.faults.outputs import Follower, fields, lines
from tests.faults.sensors import RANGE, reference_of, watched_path
from tests.faults.watching import PATIENCE, ROOT, Watching, settings_file
from tests.faults.ways import SENSORS

OUTPUTS = ("zeekml", "notice", sinks.ECS)
_WATCH = "watch: {checkpoint_every: 1, poll: 0.2, %s}\n"
_EVERY = 2  # seconds
_ROTATIONS = {"size": "rotate_size: 60000", "time": f"rotate_every: {_EVERY}", "logrotate": "rotate_size: 0"}
_KILLS = ("start", "any", "any", "checkpoint", "rotation", "logrotate")
_ROTATED_BY = {"rotation": ("size", "time"), "logrotate": ("logrotate",)}


@dataclass
class Result:
    """What a campaign found. ``within``: what the kills had left half done."""

    connections: int = 0
    notices: int = 0
    kills: Counter[str] = field(default_factory=Counter)
    within: Counter[str] = field(default_factory=Counter)
    rotations: Counter[str] = field(default_factory=Counter)
    near: int = 0
    either_way: int = 0
    farthest: float = 0.0
    problems: list[str] = field(default_factory=list)


class Campaign:
    """One campaign in an empty folder."""

    def __init__(self, folder: Path, seed: int, tell: Callable[[str], None] = lambda _: None) -> None:
        self.folder = folder
        self.chance = random.Random(seed)  # noqa: S311
        self.tell = tell
        self.result = Result()
        self.model = tiny_bundle(folder / "model")
        self.form = self.chance.choice(["tsv", "json"])
        self.common = ["--model", str(self.model), "--format", self.form, "--from-start"]
        self.paths = [watched_path(folder, name) for name in SENSORS]
        self.out, self.state = folder / "out", folder / "state"
        self.followers = {name: Follower(self.out, name) for name in OUTPUTS}
        self._moved = 0
        self.sensors = subprocess.Popen(
            [sys.executable, "-m", "tests.faults.sensors", str(folder), str(seed)],
            cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        )  # fmt: skip
        self._said: SimpleQueue[dict[str, Any]] = SimpleQueue()
        Thread(target=self._listen, daemon=True).start()

    def run(self, kills: int) -> Result:
        """Kill so often, then catch up and compare."""
        try:
            assert self._said.get(timeout=PATIENCE)["say"] == "begun"
            assert self._watch("--once").finish() == 0, self._last_words()
            self._say("go")
            while self.result.kills.total() < kills:
                self._kill_once()
            self._say("stop")
            while (said := self._said.get(timeout=PATIENCE))["say"] != "done":
                pass  # it asked at just that moment
            assert self._watch("--once").finish() == 0, self._last_words()
            self._compare(said)
        finally:
            self.sensors.kill()
            self.sensors.wait()
            for pipe in (self.sensors.stdin, self.sensors.stdout):
                if pipe is not None:
                    pipe.close()
        return self.result

    def _kill_once(self) -> None:
        when = self.chance.choice(_KILLS)
        rotation = self.chance.choice(_ROTATED_BY.get(when, tuple(_ROTATIONS)))
        watch = self._watch(rotation=rotation)
        try:
            self._wait_until(when, watch, rotation)
        finally:
            ended = watch.process.poll()
            watch.kill()
        assert ended is None, f"ended by itself with {ended}: {self._last_words()}"
        self.result.kills[when] += 1
        self._look_at_what_is_left()
        self.tell(
            f"kill {self.result.kills.total()} ({when}, outputs rotated by {rotation}), {self._count()} records"
        )
        if self.chance.random() < 0.1:
            time.sleep(self.chance.random() * 4.0)  # down for several rotations

    def _wait_until(self, when: str, watch: Watching, rotation: str) -> None:
        """Return at the moment of the kill."""
        if when == "start":
            time.sleep(self.chance.random() * 3.0)
            return
        before, ends = self._count(), time.monotonic() + PATIENCE
        while self._count() == before:
            assert time.monotonic() < ends, f"nothing new for {PATIENCE:g} s: {self._last_words()}"
            self._answer(watch)
            time.sleep(0.02)
        match when:
            case "any":
                self._go_on(watch, self.chance.random() * 1.5)
            case "checkpoint":  # a new journal begins, then the snapshot is written and renamed
                self._wait_for_change(self.state)
            case "rotation" if (
                rotation == "time" and self.chance.random() < 0.7
            ):  # the change may come too late
                time.sleep(_EVERY - time.time() % _EVERY + self.chance.random() * 0.15)
            case "rotation":
                self._wait_for_change(self.out)
            case "logrotate":
                self._move_outputs(watch)
                if self.chance.random() < 0.5:
                    self._go_on(watch, self.chance.random() * 1.0)
                else:
                    self._moment()

    def _go_on(self, watch: Watching, seconds: float) -> None:
        ends = time.monotonic() + seconds
        while (left := ends - time.monotonic()) > 0:
            self._answer(watch)
            time.sleep(min(left, 0.05))

    def _wait_for_change(self, folder: Path) -> None:
        before, ends = _names(folder), time.monotonic() + 3.0
        while _names(folder) == before and time.monotonic() < ends:
            time.sleep(0.0005)
        self._moment()

    def _moment(self) -> None:
        time.sleep(self.chance.random() ** 3 * 0.02)

    def _move_outputs(self, watch: Watching) -> None:
        """logrotate, ``create`` or ``nocreate``; then SIGHUP, seldom too late."""
        self._moved += 1
        for name in ("zeekml.log", "notice.log", f"{sinks.ECS}.ndjson"):
            path = self.out / name
            if path.exists():
                path.rename(self.out / f"{name}.{self._moved}")
                if self.chance.random() < 0.5:
                    path.touch(mode=0o640)
        self._moment()
        if self.chance.random() < 0.8:
            watch.process.send_signal(signal.SIGHUP)

    def _look_at_what_is_left(self) -> None:
        """Count what a kill has hit: that it came at a random moment is no proof that it ever came inside."""
        states = _names(self.state)
        if sum(name.startswith("journal") for name in states) > 1 or any(".part" in name for name in states):
            self.result.within["a checkpoint"] += 1
        for name in ("zeekml.log", "notice.log"):
            path = self.out / name
            last = path.read_bytes()[-60:] if path.exists() else b""
            if last and not last.endswith(b"\n"):
                self.result.within[f"a line of {name}"] += 1
            if b"\n#close" in last:
                self.result.within[f"the rotation of {name}"] += 1

    def _answer(self, watch: Watching) -> None:
        """Let a sensor go on that asks, once all that it wrote is in the outputs."""
        try:
            said = self._said.get_nowait()
        except Empty:
            return
        assert said["say"] == "wait"
        ends = time.monotonic() + PATIENCE
        # Lines that are broken for good are waited for as well: they stand in rejects.log.
        while self._count() < said["written"]:
            assert time.monotonic() < ends, (
                f"{self._count()} of {said['written']} after {PATIENCE:g} s: {self._last_words()}"
            )
            assert watch.process.poll() is None, self._last_words()
            time.sleep(0.02)
        self._say("go")

    def _compare(self, said: dict[str, Any]) -> None:
        result = self.result
        result.connections = said["written"]
        result.rotations = Counter(said["rotations"])
        batch = self._batch()
        runs = [
            {name: [fields(line, name) for line in lines(folder, name)] for name in ("zeekml", "notice")}
            for folder in (self.out, batch)
        ]
        compared = compare(runs[0], runs[1], self._thresholds(), stream_of)
        result.near, result.either_way = compared.near, compared.either_way
        result.farthest, result.notices = compared.farthest, len(runs[0]["notice"])
        result.problems += compared.problems
        if len(runs[1]["zeekml"]) != said["written"]:
            result.problems.append(f"{said['written']} written, {len(runs[1]['zeekml'])} found by batch")
        rejected = len(lines(self.out, "rejects"))
        if rejected != said["broken"]:
            result.problems.append(f"{said['broken']} lines broken, {rejected} rejected")
        for follower in self.followers.values():
            result.problems += follower.problems()
        result.problems += sinks.problems(self.out, runs[0]["notice"])

    def _batch(self) -> Path:
        batch = self.folder / "batch"
        logs = [str(reference_of(self.folder, name)) for name in SENSORS]
        command = [sys.executable, "-m", "zeekml", "score", *logs, "--out", str(batch), "--quiet"]
        command += ["--log-threshold", "0", "--model", str(self.model), "--format", self.form]
        subprocess.run(command, cwd=ROOT, check=True)
        return batch

    def _thresholds(self) -> dict[str, float]:
        manifest = yaml.safe_load((self.model / "bundle.yaml").read_text())
        return {
            "connection": manifest["thresholds"]["connection"],
            "host": manifest["thresholds"]["host"],
            "floor": manifest["evidence"]["floor"],
        }

    def _watch(self, *options: str, rotation: str = "size") -> Watching:
        settings = _WATCH % _ROTATIONS[rotation]
        settings += sinks.settings(self.out, table=self.chance.random() < 0.7)
        config = settings_file(self.folder, settings)
        return Watching(self.folder, self.paths, "--config", str(config), *self.common, *options)

    def _count(self) -> int:
        return self.followers["zeekml"].count() if self.out.exists() else 0

    def _last_words(self) -> str:
        return (self.folder / "said").read_text()[-2000:]

    def _listen(self) -> None:
        assert self.sensors.stdout is not None
        for line in self.sensors.stdout:
            self._said.put(json.loads(line))

    def _say(self, word: str) -> None:
        assert self.sensors.stdin is not None
        self.sensors.stdin.write(word + "\n")
        self.sensors.stdin.flush()


def stream_of(uid: str) -> str:
    """The sensor that wrote a connection: Zeek's uids are ``C`` and its number, Suricata's the number."""
    return list(SENSORS)[int(uid.removeprefix("C")) // RANGE]


def _names(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}
