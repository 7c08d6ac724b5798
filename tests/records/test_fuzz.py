"""200,000 mutated lines over the three readers: each is read, rejected or passed over, and nothing is raised."""

from __future__ import annotations

import random
from pathlib import Path

import orjson
import pandas as pd
import pytest

from tests.records.logs import FLOW, Result, connection, header, joined, json_object, line, read
from zeekml.records import Reject, Rejects
from zeekml.records.eve import EveReader
from zeekml.records.lines import Block
from zeekml.records.to_pandas import to_frame
from zeekml.records.values import UidMaker
from zeekml.records.zeek_json import ZeekJsonReader
from zeekml.records.zeek_tsv import ZeekTsvReader

MUTATED = 66_667  # lines in each of the three formats; blank or unaltered ones do not count
_BYTES = [
    b"\0",
    b"\r",
    b"\xff",
    b"\xc3\x28",
    b"\\x",
    b"\\x41",
    b'"',
    b"-",
    b"\t",
    b"   ",
    b"#",
    b"{",
    b"}",
    b"[",
    b",",
    b":",
]
_WORDS = [
    b"nan",
    b"-1",
    b"1e999",
    b"9" * 40,
    b"true",
    b"null",
    b"(empty)",
    b'""',
    b"[1]",
    b"{}",
    b"1.5",
    b"0x1f",
    b"\xef\xbb\xbf",
]


def mutated(raw: bytes, generator: random.Random) -> bytes:
    """``raw`` after one to three changes; never with a newline in it."""
    for _ in range(generator.randint(1, 3)):
        at = generator.randrange(len(raw) + 1)
        to = min(len(raw), at + generator.randrange(12))
        match generator.randrange(6):
            case 0:
                raw = raw[:at] + raw[to:]
            case 1:
                raw = raw[:at] + generator.choice(_BYTES) + raw[at:]
            case 2:
                raw = raw[:at] + generator.choice(_WORDS) + raw[to:]
            case 3:
                raw = raw[:at] + generator.randbytes(generator.randrange(6)) + raw[to:]
            case 4:
                raw = raw[:at] + raw[at:to] * 3 + raw[to:]
            case _:
                raw = raw[:at]
    return raw.replace(b"\n", b"")


def tsv_lines() -> tuple[bytes, list[bytes]]:
    """A header and lines to mutate."""
    return header().encode(), [line(connection(number)).encode().rstrip(b"\n") for number in range(50)]


def json_lines() -> tuple[bytes, list[bytes]]:
    """Nothing, and objects to mutate."""
    other = {"_path": "dns", "ts": 1.0, "query": "example"}
    return b"", [orjson.dumps(json_object(number)) for number in range(49)] + [orjson.dumps(other)]


def eve_lines() -> tuple[bytes, list[bytes]]:
    """Nothing, and events to mutate."""
    icmp = {key: value for key, value in FLOW.items() if key not in ("tcp", "src_port", "dest_port")}
    events = [
        FLOW,
        {**icmp, "proto": "ICMP", "icmp_type": 8, "icmp_code": 0},
        {"event_type": "dns", "dns": {}},
    ]
    return b"", [orjson.dumps(event) for event in events]


@pytest.mark.parametrize("kind", ["tsv", "json", "eve"])
def test_mutated_lines(tmp_path: Path, kind: str) -> None:
    start, samples = {"tsv": tsv_lines, "json": json_lines, "eve": eve_lines}[kind]()
    generator = random.Random(20_261_123)  # noqa: S311  (a seed, not a secret)
    whole = set(samples)
    lines = list(samples)
    count = 0
    while count < MUTATED:
        sample = generator.choice(samples)
        # Lines that are whole stand among them, as in a damaged log.
        text = mutated(sample, generator) if generator.random() < 0.9 else sample
        # A line that became a directive could put another header in force; here each is to be judged by the first.
        if kind != "tsv" or not text.lstrip(b"\0").startswith(b"#"):
            lines.append(text)
            count += text not in whole and bool(text.strip())
    assert 3 * sum(text not in whole and bool(text.strip()) for text in lines) >= 200_000
    path = tmp_path / "conn.log"
    path.write_bytes(start + b"\n".join(lines) + b"\n")
    result = read(path)
    assert result.error is None
    assert len(result.frame) + len(result.rejects) + result.passed_over == len(lines)
    assert len(result.frame) > MUTATED // 20
    assert len(result.rejects) > MUTATED // 20
    assert not {reject.line for reject in result.rejects} & set(result.lines)
    assert result.lines == sorted(result.lines)
    assert len(set(result.reasons)) < 60
    assert all(len(reject.text) < 2500 and "\n" not in reject.text for reject in result.rejects)


def test_mutated_headers(tmp_path: Path) -> None:
    generator = random.Random(7)  # noqa: S311  (a seed, not a secret)
    start, samples = tsv_lines()
    directives = start.rstrip(b"\n").split(b"\n")
    body: list[bytes] = []
    count = 0
    for _ in range(2_000):
        changed = [mutated(text, generator) if generator.random() < 0.2 else text for text in directives]
        body += [text if text.startswith(b"#") else b"#" + text for text in changed]
        body += samples[:4]
        count += 4
    path = tmp_path / "conn.log"
    path.write_bytes(start + b"\n".join(body) + b"\n")
    result = read(path, extra=True)
    assert result.error is None
    assert len(result.frame) + len(result.rejects) + result.passed_over == count


@pytest.mark.parametrize("kind", ["tsv", "json", "eve"])
def test_the_fast_readers_agree_with_the_exact_ones_on_mutated_lines(kind: str) -> None:
    """Line by line, so that a line is judged for itself alone, and with so many others that it is read fast."""
    start, samples = {"tsv": tsv_lines, "json": json_lines, "eve": eve_lines}[kind]()
    generator = random.Random(20_261_129)  # noqa: S311  (a seed, not a secret)
    lines = [mutated(generator.choice(samples), generator) for _ in range(12_000)]
    if kind == "tsv":
        lines = [text for text in lines if not text.lstrip(b"\0").startswith(b"#")]
    data = start + b"\n".join(lines) + b"\n"
    fast, exact = _block(data, kind, fast=True), _block(data, kind, fast=False)
    assert fast.lines == exact.lines
    assert fast.rejects == exact.rejects
    assert fast.passed_over == exact.passed_over
    pd.testing.assert_frame_equal(fast.frame, exact.frame, check_exact=True)


def _block(data: bytes, kind: str, *, fast: bool) -> Result:
    rejected: list[Reject] = []
    rejects = Rejects(rejected.append)
    make_uid = UidMaker("s", data)
    reader: ZeekTsvReader | ZeekJsonReader | EveReader
    if kind == "tsv":
        reader = ZeekTsvReader("x", rejects, make_uid, extra=False, fast=fast)
    elif kind == "json":
        reader = ZeekJsonReader("x", rejects, make_uid, fast=fast)
    else:
        reader = EveReader("x", rejects, make_uid, fast=fast)
    read = [rows for rows in reader.read(Block(data, 1, 0)) if len(rows.lines)]
    rejected.sort(key=lambda reject: reject.line)
    frames = [to_frame(rows.table) for rows in read]
    lines = [line for rows in read for line in rows.lines.tolist()]
    return Result(joined(frames), lines, rejected, rejects.passed_over)
