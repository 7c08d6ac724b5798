"""Messages give what the same objects give in a file."""

from __future__ import annotations

import orjson
import pandas as pd
import pytest

from tests.made import LOGS
from zeekml.kafka.messages import Message, read_messages
from zeekml.records import LogFile, Reject, Rejects, read_batches

ZEEK = (LOGS / "epoch.conn.json").read_bytes().splitlines()
EVE = (LOGS / "eve.json").read_bytes().splitlines()
DNS = b'{"ts":1.0,"uid":"C1","query":"a.example","_path":"dns"}'


def frame_of(values: list[bytes]) -> pd.DataFrame:
    batch = read_messages(list(enumerate(values)), "t[0]", "kafka:t", Rejects())
    assert batch is not None
    return batch.frame


@pytest.mark.parametrize("name", ["epoch.conn.json", "millis.conn.json", "iso8601.conn.json", "eve.json"])
def test_a_topic_holds_what_a_log_holds(name: str) -> None:
    (wanted,) = read_batches(LogFile(LOGS / name, name), "s", rejects=Rejects())
    pd.testing.assert_frame_equal(
        frame_of((LOGS / name).read_bytes().splitlines()), wanted.frame, check_categorical=False
    )


def test_objects_that_name_their_log_are_unwrapped() -> None:
    tagged = [orjson.dumps({"conn": orjson.loads(line)}) for line in ZEEK]
    other = [orjson.dumps({"dns": orjson.loads(DNS)})]
    pd.testing.assert_frame_equal(frame_of([*other, *tagged, *other]), frame_of(ZEEK))


def test_nested_and_spread_out_objects_are_read() -> None:
    nested = []
    for line in ZEEK[:20]:
        found = orjson.loads(line)
        inner = {key.removeprefix("id."): found.pop(key) for key in list(found) if key.startswith("id.")}
        nested.append(orjson.dumps({"id": inner, **found}, option=orjson.OPT_INDENT_2))
    pd.testing.assert_frame_equal(frame_of(nested), frame_of(ZEEK[:20]))


def test_both_formats_and_what_is_no_connection() -> None:
    rejects: list[Reject] = []
    told = Rejects(rejects.append)
    messages: list[Message] = [
        (10, ZEEK[0]), (11, None), (12, b"{"), (20, EVE[0]), (21, DNS), (22, ZEEK[1]),
        (23, b'{"event_type":"alert"}'), (24, b"x" * (2 << 20)), (25, b" "), (26, EVE[1]),
    ]  # fmt: skip
    batch = read_messages(messages, "t[3]", "kafka:t", told)
    assert batch is not None
    assert batch.lines.tolist() == [10, 20, 22, 26]
    assert sorted((reject.source, reject.line, reject.reason) for reject in rejects) == [
        ("t[3]", 12, "not JSON"), ("t[3]", 24, "longer than 1048576 bytes"),
    ]  # fmt: skip
    assert told.passed_over == 4
    assert read_messages([(1, DNS), (2, None)], "t[3]", "kafka:t", told) is None


def test_a_made_up_uid_is_the_messages_own() -> None:
    bare = []
    for line in ZEEK:
        found = orjson.loads(line)
        del found["uid"]
        bare.append(orjson.dumps(found))
    messages: list[Message] = list(enumerate(bare, 100))
    whole = read_messages(messages, "t[0]", "kafka:t", Rejects())
    parts = [
        read_messages(messages[at : at + 7], "t[0]", "kafka:t", Rejects()) for at in range(0, len(bare), 7)
    ]
    assert whole is not None
    uids = whole.frame["uid"].tolist()
    assert [uid for part in parts if part is not None for uid in part.frame["uid"]] == uids
    assert len(set(uids)) == len(uids)
    other = read_messages(messages, "t[1]", "kafka:t", Rejects())
    assert other is not None
    assert not set(other.frame["uid"]) & set(uids)
