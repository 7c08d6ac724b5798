"""Logs appear whole or not at all, compressed by name, and zat and a JSON parser read them."""

from __future__ import annotations

import gzip
import io
import os
import stat
from pathlib import Path

import numpy as np
import orjson
import pytest
import zstandard
from zat.log_to_dataframe import LogToDataFrame

from zeekml.errors import ConfigError, OutputError
from zeekml.simulate import Scenario, simulate, write_traffic
from zeekml.simulate.table import LABELS, MICROSECONDS, SERVICES, STATES, concat

SMALL = Scenario(connections=3_000, seed=2)


def test_zat_reads_the_tsv_log(tmp_path: Path) -> None:
    assert write_traffic(tmp_path / "conn.log", SMALL, labels=True) == 3_000
    frame = LogToDataFrame().create_dataframe(str(tmp_path / "conn.log"), ts_index=False)
    table = concat(list(simulate(SMALL)))
    assert len(frame) == len(table)
    assert frame["uid"].is_unique
    assert (frame["orig_pkts"].to_numpy() == table.orig_pkts).all()
    assert (frame["id.resp_p"].to_numpy() == table.resp_p).all()
    for column, codes, names in (
        ("conn_state", table.conn_state, STATES),
        ("service", table.service, SERVICES),
    ):
        known = [names[code] or "-" for code in codes]
        assert frame[column].astype(object).fillna("-").tolist() == known
    assert frame["detailed-label"].astype(object).fillna("-").tolist() == [
        LABELS[code][1] or "-" for code in table.label
    ]
    seconds = frame["duration"].dt.total_seconds().fillna(-1.0).to_numpy()
    assert np.allclose(seconds, np.where(table.duration < 0, -1.0, table.duration / MICROSECONDS))


@pytest.mark.parametrize("log_format", ["tsv", "json", "eve"])
def test_names_choose_the_compression(tmp_path: Path, log_format: str) -> None:
    for name in ("a.log", "a.log.gz", "a.log.zst"):
        write_traffic(tmp_path / name, SMALL, format=log_format)
    plain = (tmp_path / "a.log").read_bytes()
    assert gzip.decompress((tmp_path / "a.log.gz").read_bytes()) == plain
    with (
        (tmp_path / "a.log.zst").open("rb") as file,
        zstandard.ZstdDecompressor().stream_reader(file) as stream,
    ):
        assert stream.read() == plain
    again = io.BytesIO()
    write_traffic(again, SMALL, format=log_format)
    assert again.getvalue() == plain


def test_every_json_line_is_an_object_without_unset_keys() -> None:
    out = io.BytesIO()
    write_traffic(out, SMALL, format="json", labels=True)
    rows = [orjson.loads(line) for line in out.getvalue().splitlines()]
    assert len(rows) == 3_000
    assert all(None not in row.values() and "-" not in row.values() for row in rows)
    assert any("duration" not in row for row in rows)


def test_the_name_of_the_file_is_a_whole_log_of_mode_0640(tmp_path: Path) -> None:
    path = tmp_path / "new" / "conn.log"
    before = os.umask(0o022)
    try:
        write_traffic(path, SMALL)
    finally:
        os.umask(before)
    assert stat.S_IMODE(path.stat().st_mode) == 0o640
    lines = path.read_text(encoding="utf-8").splitlines()
    assert lines[0] == "#separator \\x09"
    assert lines[-1].startswith("#close\t")
    assert [entry.name for entry in path.parent.iterdir()] == ["conn.log"]


def test_a_broken_off_run_leaves_the_old_log(tmp_path: Path) -> None:
    path = tmp_path / "conn.log"
    path.write_text("the old one", encoding="utf-8")

    def stop(written: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_traffic(path, SMALL, progress=stop)
    assert path.read_text(encoding="utf-8") == "the old one"
    assert [entry.name for entry in tmp_path.iterdir()] == ["conn.log"]


def test_progress_counts_up_to_all() -> None:
    seen: list[int] = []
    write_traffic(io.BytesIO(), SMALL, progress=seen.append)
    assert seen == sorted(seen)
    assert seen[-1] == 3_000


def test_what_cannot_be_written_says_so(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    for path in (tmp_path / "file" / "conn.log", tmp_path):
        with pytest.raises(OutputError, match=r"conn\.log|is not an ordinary file"):
            write_traffic(path, SMALL)
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(OutputError, match="is not an ordinary file"):
        write_traffic(tmp_path / "pipe", SMALL)
    assert (tmp_path / "pipe").is_fifo()


def test_a_link_is_replaced_and_not_followed(tmp_path: Path) -> None:
    (tmp_path / "target").write_text("mine", encoding="utf-8")
    (tmp_path / "conn.log").symlink_to("target")
    write_traffic(tmp_path / "conn.log", SMALL)
    assert (tmp_path / "target").read_text(encoding="utf-8") == "mine"
    assert not (tmp_path / "conn.log").is_symlink()


def test_choices_that_do_not_go_together_are_refused(tmp_path: Path) -> None:
    for choices, said in (
        ({"format": "xml"}, "expected one of tsv, json, eve"),
        ({"format": "eve", "labels": True}, "labels with format eve"),
        ({"format": "json", "json_ts": "ticks"}, "expected one of epoch, millis, iso8601"),
    ):
        with pytest.raises(ConfigError, match=said):
            write_traffic(tmp_path / "conn.log", SMALL, **choices)
    assert list(tmp_path.iterdir()) == []
