"""Logs for the benchmarks of baselines: a clean network with a habit, a bot that shares it, one that has no other."""

from __future__ import annotations

import numpy as np

from benchmarks.baseline_logs import Log
from tests.alerts.logs import frame_of, scores_of
from tests.baseline.made import DAY, Line, line

HOST, BOT = "10.0.0.5", "10.0.0.66"
SCORE = 0.9  # 0.811 nats above the floor of tests.baseline.made.POLICY, whose host threshold is 10


def dead(host: str, at: float, count: int) -> list[Line]:
    """Connections to several servers that do not answer, one a second."""
    return [line(at + i, SCORE, host, f"203.0.113.{i % 9}", conn_state="S0") for i in range(count)]


def habit(host: str, days: int = 8) -> list[Line]:
    """The same each noon: 32 nats."""
    return [each for day in range(days) for each in dead(host, day * DAY + 43_200.0, 40)]


def mixed() -> list[Line]:
    """23 nats within half a minute: 16 of dead servers, and 6.5 of a controller that answers."""
    talk = [line(3600.0 + i * 3 + 0.5, SCORE, BOT, "198.51.100.66", 8080) for i in range(8)]
    return [*dead(BOT, 3600.0, 20), *talk]


def log_of(name: str, group: str, lines: list[Line], known: dict[str, bool]) -> Log:
    held = sorted(lines, key=lambda each: float(str(each[1]["ts"])))
    frame, scores = frame_of([row for _, row in held]), scores_of([score for score, _ in held])
    return Log.of(name, group, frame, scores, known)


def made_logs() -> list[Log]:
    return [
        log_of("home", "site", habit(HOST), {"*": False}),
        log_of("mixed", "bots", mixed(), {BOT: True}),
        log_of("steady", "bots", habit(BOT), {BOT: True}),
    ]


def random_lines(seed: int, count: int = 300) -> list[Line]:
    """Few hosts, peers and ports over two days, so that kinds meet again and again."""
    rng = np.random.default_rng(seed)
    at = np.sort(rng.uniform(0, 2 * DAY, count)) // 1800 * 1800 + np.arange(count)  # in bursts
    return [
        line(
            moment,
            float(rng.choice((0.3, 0.85, 0.9, 0.97, 0.9995))),
            f"10.0.0.{rng.integers(1, 5)}",
            f"203.0.113.{rng.integers(1, 5)}",
            int(rng.choice((23, 443))),
            conn_state=str(rng.choice(("S0", "SF"))),
        )
        for moment in at.tolist()
    ]
