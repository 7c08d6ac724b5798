"""Likely label errors: what is found, how it is put together, and that the rules can be applied."""

from __future__ import annotations

import csv
import io
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from tests.builders import frame_of, row
from tests.training.data import capture
from zeekml.errors import InputError
from zeekml.evaluation.audit import Audit, audit
from zeekml.evaluation.label_audit import Asked, Labelled, as_csv, labelled_data, run
from zeekml.evaluation.outoffold import Probabilities, deal, from_trees
from zeekml.training.captures import Capture
from zeekml.training.corrections import COLUMNS, load_corrections

CLASSES = ("Benign", "PortScan", "C&C")
SERVER, OTHER = "198.51.100.1", "198.51.100.2"


def hosts(count: int, *, resp_h: str = SERVER, port: int = 443, state: str = "SF") -> list[dict[str, object]]:
    return [row(ts=1.7e9 + at, uid=f"C{resp_h}{port}{at}", id_resp_h=resp_h, id_resp_p=port, conn_state=state)
            for at in range(count)]  # fmt: skip


def probable(*parts: tuple[int, int]) -> np.ndarray:
    """(N, 3) rows that are sure of a class: (class, count)."""
    index = np.repeat([part[0] for part in parts], [part[1] for part in parts])
    matrix = np.full((len(index), 3), 0.05)
    matrix[np.arange(len(index)), index] = 0.9
    return matrix


def audited(one: Capture, matrix: np.ndarray, **options: float) -> Audit:
    judged = one.labels >= 0
    return audit([one], ["x"], CLASSES, Probabilities(matrix, judged), **options)  # type: ignore[arg-type]


def test_a_server_whose_connections_are_labelled_wrong_is_one_suspect() -> None:
    rows = [*hosts(30, resp_h=SERVER, port=4975, state="S3"), *hosts(60, resp_h=OTHER), *hosts(40, port=6667)]
    one = capture("x", rows, [0] * 30 + [0] * 60 + [2] * 40)
    found = audited(one, probable((2, 30), (0, 60), (2, 40)))
    (suspect,) = found.suspects
    assert (suspect.file, suspect.resp_h, suspect.resp_p, suspect.conn_state) == ("x", SERVER, 4975, "S3")
    assert (suspect.given, suspect.suggested) == ("Benign", "C&C")
    assert (suspect.issues, suspect.connections, suspect.hosts) == (30, 30, 1)
    assert suspect.margin == pytest.approx(0.85)
    assert (found.judged, found.unjudged, found.issues, found.shown) == (130, 0, 30, 30)


def test_a_scan_is_one_suspect_for_any_responder() -> None:
    scan = [
        dict(one, **{"id.resp_h": f"203.0.113.{at}"}) for at, one in enumerate(hosts(40, port=23, state="S0"))
    ]
    one = capture("x", [*scan, *hosts(60), *hosts(40, port=22)], [0] * 40 + [0] * 60 + [1] * 40)
    (suspect,) = audited(one, probable((1, 40), (0, 60), (1, 40))).suspects
    assert (suspect.resp_h, suspect.resp_p, suspect.connections, suspect.suggested) == (
        "",
        23,
        40,
        "PortScan",
    )


def test_context_and_what_cannot_be_judged_is_left_out() -> None:
    one = capture(
        "x", [*hosts(30, port=80), *hosts(30), *hosts(30, port=81)], [-1] * 30 + [0] * 30 + [2] * 30
    )
    matrix = probable((2, 30), (0, 30), (2, 30))
    judged = one.labels == 0
    found = audit([one], ["x"], CLASSES, Probabilities(matrix, judged))
    assert (found.suspects, found.judged, found.unjudged) == ((), 30, 30)


def test_too_few_or_too_small_a_share_is_no_suspect() -> None:
    rows = [*hosts(30, port=4975), *hosts(60, resp_h=OTHER), *hosts(40, port=6667)]
    one = capture("x", rows, [0] * 90 + [2] * 40)
    matrix = probable((2, 12), (0, 18), (0, 60), (2, 40))
    assert len(audited(one, matrix, share=0.3).suspects) == 1
    assert audited(one, matrix, share=0.5).suspects == ()
    assert audited(one, matrix, share=0.3, least=13).suspects == ()


def test_the_table_is_one_of_corrections_and_any_of_its_rules_fit(tmp_path: Path) -> None:
    scan = [
        dict(one, **{"id.resp_h": f"203.0.113.{at}"}) for at, one in enumerate(hosts(40, port=23, state="S0"))
    ]
    servers = [*hosts(30, port=4975), *hosts(30, port=4975, resp_h=OTHER)]
    rows = [*scan, *servers, *hosts(60), *hosts(40, port=6667), *hosts(40, port=22)]
    given = [0] * 160 + [2] * 40 + [1] * 40
    one = capture("x", rows, given)
    found = audited(one, probable((1, 40), (2, 60), (0, 60), (2, 40), (1, 40)))
    assert {suspect.resp_h for suspect in found.suspects} == {"", SERVER, OTHER}
    path = tmp_path / "rules.csv"
    path.write_text(as_csv(found), encoding="utf-8")
    assert tuple(next(csv.reader(io.StringIO(as_csv(found))))) == COLUMNS
    rules = load_corrections(path)
    for order in (rules, rules[::-1], rules[1:]):
        words: Any = pd.Categorical.from_codes(np.array(given), pd.Index([*CLASSES, "Unknown", "Inbound"]))
        for rule in order:
            rule.apply(one.frame, words, path)  # raises when it meets another number


def test_an_unset_state_makes_no_rule() -> None:
    frame = frame_of([*hosts(30, port=4975), *hosts(60), *hosts(40, port=6667)])
    states = frame["conn_state"].astype(object)
    states[:30] = None
    one = capture("x", frame.assign(conn_state=states.astype("category")), [0] * 90 + [2] * 40)
    found = audited(one, probable((2, 30), (0, 60), (2, 40)))
    assert (found.suspects, found.issues) == ((), 30)


def named(*groups: str) -> list[Capture]:
    return [capture(f"log-{at}", hosts(1), group=group) for at, group in enumerate(groups)]


def test_logs_of_a_group_are_in_different_folds_or_in_one() -> None:
    captures = named(*"aaabbbccdd")
    for seed in range(10):
        apart = deal(captures, 5, seed, whole_groups=False)
        assert sorted(np.concatenate(apart)) == list(range(10))
        assert {len(part) for part in apart} == {2}
        assert all(len({captures[at].group for at in part}) == 2 for part in apart)
        together = deal(captures, 3, seed, whole_groups=True)
        for group in "abcd":
            assert sum(any(captures[at].group == group for at in part) for part in together) == 1


@pytest.mark.parametrize("whole_groups", [False, True])
def test_one_log_alone_cannot_be_judged(whole_groups: bool) -> None:
    with pytest.raises(
        InputError, match="two or more, so name further labelled logs, or a model with --model"
    ):
        deal(named("a"), 5, 0, whole_groups=whole_groups)


def bot_log(name: str, seed: int, labels: tuple[int, int]) -> Capture:
    """Ordinary connections and ones to a command server that gives no answer, with these labels."""
    rng = np.random.default_rng(seed)
    rows = [
        row(
            ts=1.7e9 + 10 * at,
            id_orig_h=f"10.0.{seed}.{1 + at % 3}",
            id_resp_h=f"198.51.100.{rng.integers(50)}",
        )
        for at in range(300)
    ]
    rows += [
        row(ts=1.7e9 + 10 * at + 5, id_orig_h=f"10.0.{seed}.9", id_resp_h=SERVER, id_resp_p=4975, conn_state="S0",
            history="S", service=None, duration=None, orig_bytes=0.0, resp_bytes=0.0, resp_pkts=0.0)
        for at in range(200)
    ]  # fmt: skip
    return capture(name, rows, [labels[0]] * 300 + [labels[1]] * 200)


def test_trees_find_the_log_in_which_the_same_traffic_is_labelled_otherwise() -> None:
    captures = [bot_log(f"log-{at}", at, (0, 2)) for at in range(4)] + [bot_log("wrong", 9, (0, 0))]
    options = {"whole_groups": False, "folds": 5, "seed": 1, "threads": 1}
    probabilities = from_trees(captures, 3, **options)  # type: ignore[arg-type]
    names = [one.name for one in captures]
    found = audit(captures, names, CLASSES, probabilities)
    assert {(suspect.file, suspect.suggested) for suspect in found.suspects} == {("wrong", "C&C")}
    assert sum(suspect.issues for suspect in found.suspects) >= 180
    again = from_trees(captures, 3, **options)  # type: ignore[arg-type]
    np.testing.assert_array_equal(probabilities.matrix, again.matrix)


def test_a_class_of_one_log_alone_cannot_be_judged() -> None:
    captures = [bot_log("a", 0, (0, 2)), bot_log("b", 1, (0, 2)), bot_log("c", 2, (0, 1))]
    found = from_trees(captures, 3, whole_groups=False, folds=3, seed=1, threads=1)
    labels = np.concatenate([one.labels for one in captures])
    np.testing.assert_array_equal(found.judged, labels != 1)


def test_the_command_server_of_a_public_capture_is_found_without_the_corrections(shared_data: Path) -> None:
    found = labelled_data(shared_data, None, corrected=False, report=lambda _: None)
    # All captures take over a minute; the clean ones are not what decides here.
    some = [at for at, one in enumerate(found.captures) if (one.labels > 0).any()]
    part = Labelled([found.captures[at] for at in some], [found.names[at] for at in some], found.classes)
    result = run(part, Asked(), lambda _: None)
    mine = [
        one for one in result.suspects if one.file == "iot23-42-1-trojan" and one.resp_h == "185.244.25.183"
    ]
    assert {(one.given, one.suggested) for one in mine} == {("Benign", "C&C")}
    assert sum(one.issues for one in mine) > 1_750  # of 1,947
