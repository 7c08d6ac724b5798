"""The steps on the executors and on the driver, put together without Spark: its shuffle is a sort here."""

from __future__ import annotations

import gzip
import io
import resource
import threading
from collections.abc import Sequence
from contextlib import suppress
from operator import attrgetter
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from tests.builders import arrow_of, random_log
from tests.builders import plain as plain_columns
from tests.made import conn_log, row
from tests.records.logs import json_object, ndjson
from tests.spark.archive import CONNECTIONS, Plain, compared, plain_run, read, records
from zeekml.config import Settings, parse_settings
from zeekml.health.rows import Rows
from zeekml.pipeline.batch import alert_policy, state_limits
from zeekml.pipeline.progress import Silent
from zeekml.pipeline.summary import Summary
from zeekml.records import Batch, discover
from zeekml.sinks import open_outputs
from zeekml.spark import order, packing, parcels, reading, scoring, spool
from zeekml.spark.aside import Aside, Lying, folder_for, taken
from zeekml.spark.batch import _places
from zeekml.spark.model import ShippedModel
from zeekml.spark.order import Lanes, in_order, orders, pack_lines, stretches, unsqueeze
from zeekml.spark.packing import Cut, Picked, connections_in, health_in, packed
from zeekml.spark.parcels import PART_END, STREAM_END, Kinds, Parcel
from zeekml.spark.picks import table_of
from zeekml.spark.reading import lines_thought, reads, shares_of
from zeekml.spark.results import Told
from zeekml.spark.scoring import Work, scores

EVERY_ONE = parse_settings("score: {log_threshold: 0, format: json}", "test")


def sent(value: Any) -> Any:
    """What Spark calls a broadcast."""
    return SimpleNamespace(value=value)


def run(
    paths: list[Path],
    out: Path,
    settings: Settings,
    *,
    part_bytes: int,
    places: int,
    lines: Sequence[int] = (),
    folder: str | None = None,
) -> tuple[Summary, str]:
    """The whole way, as ``score_on_spark`` goes it."""
    model = ShippedModel.of(settings.score.model)
    bundle = model.load()
    streams = discover([str(path) for path in paths]).streams
    shares = shares_of(streams, part_bytes)
    names = [stream.name for stream in streams]
    score = settings.score
    last = {share.stream: share.number for share in shares}
    lanes = Lanes.planned(lines or map(lines_thought, shares), list(last.values()))
    work = Work(
        alert_policy(settings, bundle),
        state_limits(settings),
        1,
        score.log_threshold,
        score.format,
        names,
        lanes,
        folder,
    )

    packed = list(reads(sent(shares), places, folder)(iter(range(len(shares)))))
    assert all(0 <= place < places for place, _ in packed)
    shuffled = np.random.default_rng(places).permutation
    packed = [packed[at] for at in shuffled(len(packed))]  # as they come from tasks that run at the same time
    results = [
        result
        for place in range(places)
        for result in scores(sent(model), sent(work))(row for row in packed if row[0] == place)
    ]
    assert all(0 <= lane < lanes.count for lane, _ in results)
    results = [results[at] for at in shuffled(len(results))]
    summary, said = Summary(), io.StringIO()
    with open_outputs(out, score.format, model=bundle.name, classes=bundle.classes) as outputs:
        told = Told(shares, names, summary, Silent(said))
        for lane in range(lanes.count):
            for row in orders(folder)(result for result in results if result[0] == lane):
                told.take(row, outputs)
        told.write_notices(outputs)
        outputs.commit()
    return summary, said.getvalue()


@pytest.fixture(scope="module")
def plain(logs: Path, tmp_path_factory: pytest.TempPathFactory) -> Plain:
    return plain_run(logs, tmp_path_factory.mktemp("plain"), EVERY_ONE)


@pytest.mark.parametrize(
    ("part_bytes", "places", "aside"),
    [(40_000, 1, False), (120_000, 7, False), (120_000, 2, True), (120_000, 7, True)],
)
def test_the_verdicts_do_not_depend_on_parts_and_places(
    logs: Path,
    plain: Plain,
    tmp_path: Path,
    part_bytes: int,
    places: int,
    aside: bool,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(order, "STRETCH", 500)
    monkeypatch.setattr(spool, "IN_MEMORY", 100_000)
    monkeypatch.setattr(scoring, "_MOST_SCATTERED", 3)
    monkeypatch.setattr(reading, "_REJECTS_AT_ONCE", 2)
    monkeypatch.setattr(scoring, "BATCH_ROWS", 700)
    monkeypatch.setattr(packing, "_FEW", 2)
    folder = tmp_path / "aside"
    folder.mkdir()
    summary, said = run(
        [logs],
        tmp_path / "out",
        EVERY_ONE,
        part_bytes=part_bytes,
        places=places,
        folder=str(folder) if aside else None,
    )
    assert any(folder.iterdir()) == aside
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


@pytest.mark.parametrize(("aside", "few", "kind"), [(False, 5, bytes), (True, 5, Picked), (True, 1, Cut)])
def test_what_is_packed_is_unpacked_again(
    aside: bool, few: int, kind: type, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(packing, "_FEW", few)
    frame, lines = random_log(3, 120), np.arange(5, 125)
    batch = Batch(arrow_of(frame), "x", "s", lines)
    places = parcels.places_of(batch.table.label("id.orig_h"), 4, 5)
    assert frame.groupby(places, observed=True)["id.orig_h"].nunique().sum() == frame["id.orig_h"].nunique()
    health, connections = packed(batch, places, Aside(str(tmp_path) if aside else None))
    seen = 0
    for place, data in connections:
        assert isinstance(data, kind)
        pick, their_lines = connections_in(data)
        seen += len(pick)
        assert plain_columns(table_of([pick])) == plain_columns(batch.table.part(places == place))
        assert their_lines.tolist() == lines[places == place].tolist()
    assert seen == len(frame)
    rows = Rows.of(frame)
    again, their_lines = health_in(health)
    for name in ("flags", "ts", "end", "orig", "resp", "orig_p"):
        assert getattr(again, name).tolist() == getattr(rows, name).tolist()
    assert their_lines.tolist() == lines.tolist()


def test_there_are_enough_places_for_all_processors_and_not_too_many(tmp_path: Path) -> None:
    with (tmp_path / "conn.log").open("w") as log:
        log.write(conn_log([row()]))
        log.truncate(100 << 30)  # nothing is written of it
    (tmp_path / "small.log").write_text(conn_log([row()]))
    large, small = (discover([str(tmp_path / name)]).streams for name in ("conn.log", "small.log"))
    assert [_places(small, 2, one) for one in (True, False)] == [4, 4]
    assert [_places(large, 2, one) for one in (True, False)] == [8, 200]


def test_what_is_told_of_rejected_lines_does_not_pile_up_where_no_connection_comes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reading, "_REJECTS_AT_ONCE", 100)
    log = tmp_path / "conn.log.gz"
    log.write_bytes(gzip.compress(ndjson([json_object()]) + (b"no connection " * 100 + b"\n") * 30_000))
    (share,) = shares_of(discover([str(log)]).streams)
    task = reading._Task(share, 1, None)
    waiting, rejects = [], 0
    for parcel in task.parcels():
        waiting.append(len(task._waiting))
        rejects += parcel.kind == Kinds.REJECT
    assert rejects == 300
    assert max(waiting) < 150


def test_many_small_logs_hold_few_files_open(tmp_path: Path) -> None:
    logs = tmp_path / "logs"
    for hour in range(400):
        day = logs / f"2026-01-{1 + hour // 24:02d}"
        day.mkdir(parents=True, exist_ok=True)
        start = 1_767_225_600 + 3600 * hour
        rows = [row(uid=f"C{hour}x{at}", ts=str(start + at), id_orig_h=f"10.0.0.{at}") for at in range(9)]
        (day / f"conn.{hour % 24:02d}:00:00-{hour % 24 + 1:02d}:00:00.log").write_text(conn_log(rows))
    folder = tmp_path / "aside"
    folder.mkdir()
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    used = len(list(Path("/proc/self/fd").iterdir()))
    resource.setrlimit(resource.RLIMIT_NOFILE, (used + 100, hard))
    try:
        summary, _ = run(
            [logs], tmp_path / "out", EVERY_ONE, part_bytes=1 << 20, places=3, folder=str(folder)
        )
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    uids = [record["uid"] for record in records(tmp_path / "out", "zeekml")]
    assert summary.connections == len(uids) == len(set(uids)) == 3600


def test_lines_of_a_stretch_are_handed_on_together_and_in_order_up_to_a_mark() -> None:
    def logged(*lines: int) -> Parcel:
        text = b"".join(b"%d\n" % line for line in lines)
        ends = np.cumsum([len(b"%d\n" % line) for line in lines])
        return Parcel(0, 0, 0, 0, Kinds.LOGGED, 0, b"".join(pack_lines(np.array(lines), ends, text)))

    notice = Parcel(0, 0, 0, 2, Kinds.NOTICE, 0, b"{}")
    following = Parcel(0, 0, 0, order.STRETCH, Kinds.LOGGED, 0, logged(99).data)
    marks = [Parcel(0, 0, 0, line, Kinds.MARK, 0, b"[]") for line in (0, 8)]
    rows = [following, notice, logged(3, 8, 10), *marks, logged(7), logged(1, 9)]
    found = [
        (row.line, row.kind, unsqueeze(row.data) if row.kind == Kinds.LOGGED else row.data)
        for row in in_order(rows)
    ]
    assert found == [
        (0, Kinds.MARK, b"[]"),
        (0, Kinds.LOGGED, b"1\n3\n7\n"),
        (2, Kinds.NOTICE, b"{}"),
        (8, Kinds.MARK, b"[]"),
        (8, Kinds.LOGGED, b"8\n9\n10\n"),
        (order.STRETCH, Kinds.LOGGED, b"99\n"),
    ]


def test_lines_are_cut_where_a_stretch_or_a_part_ends() -> None:
    parts = np.array([0, 0, 0, 1, 1], dtype=np.int32)
    lines = np.array([5, order.STRETCH - 1, order.STRETCH, order.STRETCH, 3 * order.STRETCH])
    cut = [(part, line // order.STRETCH, rows.stop) for part, line, rows in stretches(parts, lines)]
    assert cut == [(0, 0, 2), (0, 1, 3), (1, 1, 4), (1, 3, 5)]
    assert list(stretches(parts[:0], lines[:0])) == []


def test_lanes_follow_the_log_and_take_more_lines_than_were_thought() -> None:
    lanes = Lanes.planned([9 * order.STRETCH, 0, 3 * order.STRETCH], [1, 2])
    assert lanes.count == 4

    def lane(stream: int, part: int, line: int) -> int:
        return lanes.of(Parcel(0, stream, part, line, Kinds.NOTICE, 0, b""))

    wanted = [(0, 0, 0), (0, 0, 5 * order.STRETCH), (0, 0, PART_END), (0, 1, 0), (0, 1, PART_END)]
    wanted += [(0, STREAM_END, 3), (1, 2, 1), (1, 2, 99 * order.STRETCH), (1, STREAM_END, PART_END)]
    found = [lane(*where) for where in wanted]
    assert found == sorted(found)
    assert (found[0], found[-1]) == (0, 3)


def test_what_is_too_much_for_memory_comes_in_order_all_the_same() -> None:
    rows = [Parcel(0, 0, 0, line, 0, 0, bytes([line]) * 100) for line in (3, 1, 4, 0, 2)]
    for in_memory in (0, 250, 1000):
        assert list(spool.in_order(iter(rows), attrgetter("line"), in_memory)) == sorted(rows)
    assert list(spool.in_order(iter(()), attrgetter("line"))) == []


def test_what_is_put_aside_is_found_again(tmp_path: Path) -> None:
    first, second = Aside(str(tmp_path)), Aside(str(tmp_path))
    assert not first.moves
    pieces = [b"x" * size for size in (0, 1, 5000, 3 << 20)]
    lying = [aside.put(piece) for piece in pieces for aside in (first, second)]
    assert [taken(each) for each in lying] == [piece for piece in pieces for _ in range(2)]
    assert len(list(tmp_path.iterdir())) == 2, "every attempt of a task has a file of its own"
    assert all(file.stat().st_mode & 0o077 == 0 for file in tmp_path.iterdir())


def test_without_a_folder_bytes_stay_where_they_are() -> None:
    aside = Aside(None)
    assert aside.moves
    assert taken(aside.put(b"some")) == aside.put(b"some") == b"some"


def test_a_file_that_is_too_short_is_an_error(tmp_path: Path) -> None:
    lying = Aside(str(tmp_path)).put(b"0123456789")
    assert isinstance(lying, Lying)
    Path(lying.path).write_bytes(b"0123")
    for look in (lying.read, lying.mapped):
        with pytest.raises(OSError, match=r"part-\w+: ends at byte 4 of 10$"):
            look()


@pytest.mark.parametrize("master", ["local", "local[2]", "local[*,4]"])
def test_on_one_machine_there_is_a_folder_until_all_is_done(
    master: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("SPARK_LOCAL_DIRS", str(tmp_path))
    with suppress(KeyError), folder_for(master) as folder:
        assert folder is not None
        assert Path(folder).parent == tmp_path
        assert Path(folder).stat().st_mode & 0o077 == 0
        Aside(folder).put(b"left by a task that failed")
        raise KeyError
    assert not list(tmp_path.iterdir())


def test_what_a_task_leaves_while_the_folder_is_removed_goes_too(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("SPARK_LOCAL_DIRS", str(tmp_path))
    stop = threading.Event()

    def write(folder: str) -> None:
        while not stop.wait(0.001):
            with suppress(OSError):
                Aside(folder).put(b"more")

    with folder_for("local[2]") as folder:
        assert folder is not None
        tasks = [threading.Thread(target=write, args=(folder,)) for _ in range(4)]
        for task in tasks:
            task.start()
        threading.Timer(0.3, stop.set).start()
    for task in tasks:
        task.join()
    assert not list(tmp_path.iterdir())


def test_on_a_cluster_everything_goes_through_spark() -> None:
    for master in ("yarn", "spark://head:7077"):
        with folder_for(master) as folder:
            assert folder is None


def test_parcels_put_aside_are_put_in_order(tmp_path: Path) -> None:
    aside = Aside(str(tmp_path))
    rows = [Parcel(0, 0, 0, line, Kinds.CONNECTIONS, 0, b"%d" % line * 50) for line in (3, 1, 2, 0)]
    mixed = [row._replace(data=aside.put(row.data)) if row.line % 2 else row for row in rows]
    for in_memory in (0, None):
        ordered = spool.in_order(iter(mixed), attrgetter("line"), in_memory)
        assert [row._replace(data=taken(row.data)) for row in ordered] == sorted(rows)
