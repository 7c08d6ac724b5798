"""The steps on the executors and on the driver, put together without Spark: its shuffle is a sort here."""

from __future__ import annotations

import io
from collections.abc import Iterator
from itertools import groupby
from operator import attrgetter
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from tests.builders import random_log
from tests.spark.archive import CONNECTIONS, Plain, compared, plain_run, read, records
from zeekml.config import Settings, parse_settings
from zeekml.health.rows import Rows
from zeekml.pipeline.batch import alert_policy, state_limits
from zeekml.pipeline.progress import Silent
from zeekml.pipeline.summary import Summary
from zeekml.records import discover
from zeekml.sinks import open_outputs
from zeekml.spark import parcels
from zeekml.spark.model import ShippedModel
from zeekml.spark.order import in_order
from zeekml.spark.parcels import Kinds, Parcel
from zeekml.spark.reading import reads, shares_of
from zeekml.spark.results import Told
from zeekml.spark.scoring import Work, scores

EVERY_ONE = parse_settings("score: {log_threshold: 0, format: json}", "test")


def sent(value: Any) -> Any:
    """What Spark calls a broadcast."""
    return SimpleNamespace(value=value)


def in_batches(rows: list[Parcel]) -> Iterator[pa.RecordBatch]:
    for start in range(0, len(rows), 3):
        yield parcels.batch_of(rows[start : start + 3])


def run(
    paths: list[Path], out: Path, settings: Settings, *, part_bytes: int, places: int
) -> tuple[Summary, str]:
    """The whole way, as ``score_on_spark`` goes it."""
    model = ShippedModel.of(settings.score.model)
    bundle = model.load()
    streams = discover([str(path) for path in paths]).streams
    shares = shares_of(streams, part_bytes)
    names = [stream.name for stream in streams]
    score = settings.score
    work = Work(
        alert_policy(settings, bundle), state_limits(settings), 1, score.log_threshold, score.format, names
    )

    numbers = pa.RecordBatch.from_pydict({"id": list(range(len(shares)))})
    rows = [
        row for batch in reads(sent(shares), places)(iter([numbers])) for row in parcels.parcels_in(batch)
    ]
    assert all(0 <= row.place < places for row in rows)
    rows.sort(key=attrgetter("place", "stream", "kind", "part", "seq"))
    results = [
        row
        for _, some in groupby(rows, key=attrgetter("place"))
        for batch in scores(sent(model), sent(work))(in_batches(list(some)))
        for row in parcels.parcels_in(batch)
    ]
    results.sort(key=attrgetter("stream", "part", "line", "kind", "seq"))
    summary, said = Summary(), io.StringIO()
    with open_outputs(out, score.format, model=bundle.name, classes=bundle.classes) as outputs:
        told = Told(shares, names, summary, Silent(said))
        for batch in in_order(in_batches(results)):
            for row in parcels.parcels_in(batch):
                told.take(row, outputs)
        told.write_notices(outputs)
        outputs.commit()
    return summary, said.getvalue()


@pytest.fixture(scope="module")
def plain(logs: Path, tmp_path_factory: pytest.TempPathFactory) -> Plain:
    return plain_run(logs, tmp_path_factory.mktemp("plain"), EVERY_ONE)


@pytest.mark.parametrize(("part_bytes", "places"), [(40_000, 1), (120_000, 7)])
def test_the_verdicts_do_not_depend_on_parts_and_places(
    logs: Path, plain: Plain, tmp_path: Path, part_bytes: int, places: int
) -> None:
    summary, said = run([logs], tmp_path / "out", EVERY_ONE, part_bytes=part_bytes, places=places)
    result = compared(read(tmp_path / "out"), read(plain.out))
    assert result.problems == []
    assert result.either_way == 0
    assert len(records(tmp_path / "out", "zeekml")) == CONNECTIONS
    assert any("sensor=bad-checksums" in notice["sub"] for notice in records(plain.out, "notice"))
    assert records(tmp_path / "out", "rejects") == records(plain.out, "rejects") != []
    assert said == plain.said
    assert str(summary.hosts) == str(plain.summary.hosts)
    for name in ("connections", "logged", "alerts", "notices", "files", "without_flows", "sensor", "rejects"):
        assert getattr(summary, name) == getattr(plain.summary, name), name


def test_what_is_packed_is_unpacked_again() -> None:
    frame = random_log(3, 120)
    lines = np.arange(5, 125)
    packed = parcels.pack_connections(frame, lines)
    places = parcels.places_of(frame["id.orig_h"], 4, 5)
    assert frame.groupby(places, observed=True)["id.orig_h"].nunique().sum() == frame["id.orig_h"].nunique()
    table = pa.Table.from_batches([packed.slice(0, 50), packed.slice(50)])
    for place, part in parcels.split(table, places):
        got, their_lines, counts = parcels.unpack_connections([part.serialize()])
        wanted = frame[places == place].reset_index(drop=True)
        for name in frame.columns:
            assert got[name].astype(object).tolist() == pytest.approx(
                wanted[name].astype(object).tolist(), nan_ok=True
            )
        assert their_lines.tolist() == lines[places == place].tolist()
        assert counts.tolist() == [len(wanted)]
    rows = Rows.of(frame)
    again, their_lines = parcels.unpack_health(parcels.pack_health(rows, lines).serialize())
    for name in ("flags", "ts", "end", "orig", "resp", "orig_p"):
        assert getattr(again, name).tolist() == getattr(rows, name).tolist()
    assert their_lines.tolist() == lines.tolist()


def test_lines_that_follow_each_other_are_handed_on_together() -> None:
    logged = [Parcel(0, 0, 0, line, Kinds.LOGGED, 0, b"%d\n" % line) for line in range(5)]
    notice = Parcel(0, 0, 0, 2, Kinds.NOTICE, 0, b"{}")
    rows = [*logged[:3], notice, *logged[3:]]
    joined = [row for batch in in_order(in_batches(rows)) for row in parcels.parcels_in(batch)]
    assert [(row.kind, bytes(row.data)) for row in joined] == [
        (Kinds.LOGGED, b"0\n1\n2\n"), (Kinds.NOTICE, b"{}"), (Kinds.LOGGED, b"3\n4\n"),
    ]  # fmt: skip
