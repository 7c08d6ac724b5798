"""Rejects are counted, shown escaped, and never pile up."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.records.logs import FLOW, json_object, ndjson
from zeekml.records import LogFile, Reject, Rejects, read_batches
from zeekml.records.rejects import MAX_COUNTED, OTHERS


def test_a_reject_is_shown_on_one_short_line() -> None:
    shown: list[Reject] = []
    rejects = Rejects(shown.append)
    rejects.add("conn.log", 7, "not JSON", b"a\tb\\\xff\n" + b"x" * 5000)
    assert shown[0].text.startswith("a\\x09b\\\\\\xff\\x0ax")
    assert shown[0].text.endswith("x...")
    assert len(shown[0].text) < 600
    assert (rejects.total, rejects.by_reason()) == (1, {"not JSON": 1})


def read(folder: Path, content: str, batch_rows: int) -> list[Reject]:
    path = folder / "some.log"
    path.write_text(content)
    shown: list[Reject] = []
    list(read_batches(LogFile(path, "x"), "s", rejects=Rejects(shown.append), batch_rows=batch_rows))
    return shown


@pytest.mark.parametrize("batch_rows", [1, 7, 65_536])
@pytest.mark.parametrize("kind", ["json", "eve"])
def test_rejects_are_told_by_line_however_a_block_was_read(
    tmp_path: Path, kind: str, batch_rows: int
) -> None:
    good = ndjson([json_object() if kind == "json" else FLOW]).decode().strip()
    lines = [good, *["nothing", good.replace('"proto":', '"prot":'), "[1]"] * 40, good]
    shown = read(tmp_path, "".join(f"{line}\n" for line in lines), batch_rows)
    assert [reject.line for reject in shown] == list(range(2, 122))
    assert len({reject.reason for reject in shown}) == 3


def test_what_is_added_by_line_is_told_even_when_the_block_ends_in_an_error() -> None:
    shown: list[Reject] = []
    rejects = Rejects(shown.append)

    def look() -> None:
        with rejects.by_line():
            rejects.add("x", 3, "late", b"")
            rejects.add("x", 1, "soon", b"")
            raise OSError("gone")

    with pytest.raises(OSError, match="gone"):
        look()
    rejects.add("x", 2, "after", b"")
    assert [reject.line for reject in shown] == [1, 3, 2]


def test_counts_stay_bounded() -> None:
    rejects = Rejects()
    for number in range(MAX_COUNTED + 50):
        rejects.add(f"{number}.log", 1, "not JSON", b"")
    assert rejects.counts[OTHERS, "not JSON"] == 50
    assert rejects.total == sum(rejects.counts.values()) == MAX_COUNTED + 50
