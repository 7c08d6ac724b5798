"""What is read of a log does not depend on the logs that were read before it by the same process."""

from __future__ import annotations

import gc
from pathlib import Path

import pytest

from tests.made import conn_log, row
from tests.records.logs import FLOW, json_object, ndjson, read
from zeekml.memory import Spare
from zeekml.records.columns import room_for

MARK = "fe80::1"
"""Of an unset field in the log that is read first."""


def _first(path: Path) -> None:
    """A log in which many different labels occur, so that their tables grow."""
    rows = [row(id_orig_h=f"192.168.{n // 200}.{n % 200}", service=MARK) for n in range(8000)]
    path.write_text(conn_log(rows).replace("#unset_field\t-", f"#unset_field\t{MARK}"))


@pytest.mark.parametrize("kind", ["json", "eve", "tsv"])
def test_a_mark_of_one_log_is_a_value_in_the_next(tmp_path: Path, kind: str) -> None:
    _first(tmp_path / "first.log")
    path = tmp_path / "second.log"
    hosts = [MARK if n % 2 else f"10.0.{n // 200}.{n % 200}" for n in range(1000)]
    if kind == "json":
        path.write_bytes(ndjson([{**json_object(), "id.orig_h": host} for host in hosts]))
    elif kind == "eve":
        path.write_bytes(ndjson([{**FLOW, "src_ip": host} for host in hosts]))
    else:
        path.write_text(conn_log([row(id_orig_h=host) for host in hosts]))
    for _ in range(2):
        assert len(read(tmp_path / "first.log").frame) == 8000
        gc.collect()
        assert sorted(read(path).frame["id.orig_h"]) == sorted(hosts)


class _User:
    pass


def test_what_is_lent_comes_back_when_its_user_is_gone() -> None:
    made: list[object] = []

    def make() -> object:
        made.append(object())
        return made[-1]

    spare: Spare[object] = Spare(make, lambda thing: thing is not made[-1])
    users = [_User(), _User()]
    first, second = (spare.lend(user) for user in users)
    assert first is not second, "two users at the same time"
    users.clear()
    assert spare.lend(_User()) is first, "the other is not good for anybody else"
    assert len(made) == 2


def test_room_keeps_little_memory_when_its_reader_is_gone() -> None:
    user = _User()
    room = room_for(user)
    held = [room._memory.take(2 << 20) for _ in range(1)]
    views = [memoryview(memory) for memory in held]
    views += [memoryview(room._memory.take(2 << 20)) for _ in range(10)]
    assert len(room._memory._given) > 8
    del user
    assert len(room._memory._given) <= 2
    assert len(views) == 11
