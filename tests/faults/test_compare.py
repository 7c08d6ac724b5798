"""The comparison of the campaign finds what is wrong, and lets pass only what float32 explains."""

from __future__ import annotations

from typing import Any

import pytest

from tests.faults.compare import Compared, compare
from tests.faults.outputs import Follower

_THRESHOLDS = {"connection": 0.5, "floor": 0.3, "host": 4.0}


def connection(number: int, score: float, **changes: Any) -> dict[str, Any]:
    record = {"uid": f"C{number}", "id.orig_h": "192.168.1.5", "score": f"{score:.6f}", "class": "PortScan"}
    return {**record, **changes}


def notice(number: int, score: float, n: int = 1, evidence: float | None = None) -> dict[str, Any]:
    sub = f"score={score:.3f} class=PortScan"
    if evidence is not None:
        sub += f" evidence={evidence:.1f}"
    note = "ZeekML::Botnet_Connection" if evidence is None else "ZeekML::Botnet_Host"
    return {"uid": f"C{number}", "id.orig_h": "192.168.1.5", "note": note, "sub": sub, "n": str(n)}


def compared(
    live: tuple[list[Any], list[Any]], batch: tuple[list[Any], list[Any]], stream: str = "conn"
) -> Compared:
    runs = [dict(zip(("zeekml", "notice"), run, strict=True)) for run in (live, batch)]
    return compare(runs[0], runs[1], _THRESHOLDS, lambda _: stream)


BATCH = (
    [connection(1, 0.1), connection(2, 0.7, reasons="many peers"), connection(3, 0.9)],
    [notice(2, 0.7), notice(3, 0.9, n=2, evidence=5.0)],
)


def changed(place: int, **changes: Any) -> tuple[list[Any], list[Any]]:
    connections = [dict(record) for record in BATCH[0]]
    connections[place] |= changes
    return connections, BATCH[1]


def test_equal_runs_and_scores_in_the_last_place_are_alike() -> None:
    assert compared(BATCH, BATCH).problems == []
    result = compared(changed(0, score="0.100009"), BATCH)
    assert result.problems == []
    assert result.farthest == pytest.approx(9e-6)
    assert result.either_way == 0


@pytest.mark.parametrize(
    ("live", "says"),
    [
        ((BATCH[0][1:], BATCH[1]), "1 missing"),
        (([*BATCH[0], BATCH[0][0]], BATCH[1]), "1 too many"),
        ((BATCH[0][::-1], BATCH[1]), "in another order"),
        (changed(0, score="0.100201"), "score is"),
        (changed(1, reasons="few peers"), "reasons is"),
        (changed(2, **{"class": "C&C"}), "class is"),
        ((BATCH[0], BATCH[1][:1]), "evidence=5.0"),
        ((BATCH[0], BATCH[1][::-1]), "notices stand in another order"),
        ((BATCH[0], [*BATCH[1], BATCH[1][1]]), "a notice stands twice"),
        ((BATCH[0], [notice(2, 0.7, n=2), BATCH[1][1]]), "notice"),
        ((BATCH[0], [notice(2, 0.703), BATCH[1][1]]), "notice"),
    ],
)
def test_what_differs_is_found(live: tuple[list[Any], list[Any]], says: str) -> None:
    problems = compared(live, BATCH).problems
    assert any(says in problem for problem in problems), problems


def test_a_connection_near_a_threshold_may_fall_either_way_and_is_counted() -> None:
    near = [connection(1, 0.49999), *BATCH[0][1:]]
    live = [connection(1, 0.50001, reasons="one peer"), *BATCH[0][1:]]
    # The notice of the first connection, and the counts after it, may differ; the next agreement ends that.
    batch_notices = [notice(2, 0.7), notice(3, 0.9)]
    live_notices = [notice(1, 0.5), notice(3, 0.9)]
    result = compared((live, live_notices), (near, batch_notices))
    assert result.problems == []
    assert result.near == 1
    assert result.either_way == 3  # reasons, and two notices


def test_a_difference_after_an_agreement_is_not_explained_by_what_was_near_before() -> None:
    near = [connection(1, 0.49999), *BATCH[0][1:]]
    problems = compared((near, [notice(2, 0.7)]), (near, [notice(2, 0.7), notice(3, 0.9)])).problems
    assert len(problems) == 1
    assert "C3" in problems[0]


def test_a_host_whose_evidence_is_near_its_threshold_may_be_named_later() -> None:
    live = (BATCH[0], [notice(2, 0.7, evidence=4.0)])
    batch = (BATCH[0], [notice(3, 0.9, n=2, evidence=5.0)])
    result = compared(live, batch)
    assert result.problems == []
    assert result.either_way == 2


def test_the_follower_reads_every_record_once_and_sees_what_is_changed(tmp_path: Any) -> None:
    log = tmp_path / "zeekml.log"
    follower = Follower(tmp_path, "zeekml")
    log.write_bytes(b"#header\none\ntw")
    assert follower.count() == 1
    with log.open("ab") as file:
        file.write(b"o\n")
    assert follower.count() == 2
    log.rename(tmp_path / "zeekml.log.1")
    log.write_bytes(b"three\n")
    assert follower.count() == 3
    assert [*follower.problems()] == []
    (tmp_path / "zeekml.log.1").write_bytes(b"#header\nONE\ntwo\n")
    assert [*follower.problems()] == ["zeekml.log.1: what stood in it was changed"]
    log.write_bytes(b"three\nhalf")
    assert "zeekml.log: 10 bytes, 6 of them in whole lines" in [*follower.problems()]
    log.unlink()
    assert "zeekml: a file that was followed is gone" in [*follower.problems()]
