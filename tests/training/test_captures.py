"""Labelled captures: tables, labels, classes, known hosts, and what is said of wrong ones."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.builders import frame_of, row
from tests.made import ROW, conn_log
from tests.made import row as row_of_log
from tests.training.data import capture, malicious_hosts, recipe_file, write_captures, write_table
from zeekml.addresses import Networks
from zeekml.errors import InputError, RecipeError
from zeekml.feedback import Verdict, add_verdict
from zeekml.records import join
from zeekml.records.schema import NAMES
from zeekml.training import load_recipe
from zeekml.training.captures import IGNORED, Capture, load_captures, local_hosts, stem

Change = Callable[[dict[str, Any]], None]


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_captures(tmp_path_factory.mktemp("data"), groups=2, connections=300)


def loaded(data: Path, folder: Path, change: Change = lambda _: None) -> dict[str, Capture]:
    recipe = load_recipe(recipe_file(folder, change))
    return {found.name: found for found in load_captures(recipe, data)}


def test_captures_are_read_with_their_groups_and_hosts(data: Path, tmp_path: Path) -> None:
    found = loaded(data, tmp_path)
    assert list(found) == ["clean-0", "bot-0", "clean-1", "bot-1"]
    for name, one in found.items():
        assert (one.group, len(one.frame), len(one.labels), one.measured) == (name, 300, 300, True)
        assert tuple(one.frame.columns) == NAMES
        assert one.clean == name.startswith("clean")
        assert one.infected == (
            () if one.clean else tuple(malicious_hosts(data / "logs" / f"{name}.conn.log.labeled"))
        )


def test_labels_are_class_indices(data: Path, tmp_path: Path) -> None:
    bot = loaded(data, tmp_path)["bot-0"]
    text = (data / "logs" / "bot-0.conn.log.labeled").read_text(encoding="utf-8")
    ends = [line.split("\t")[-2:] for line in text.splitlines() if not line.startswith("#")]
    index = {"Benign": 0, "PortScan": 1, "C&C": 2}
    assert bot.labels.tolist() == [
        index.get(detail if label == "Malicious" else label, -1) for label, detail in ends
    ]
    assert {1, 2} <= set(bot.labels)


def test_context_words_become_ignored(data: Path, tmp_path: Path) -> None:
    def change(recipe: dict[str, Any]) -> None:
        recipe["classes"] = {"Benign/*": "Benign", "Malicious/C&C": "C&C", "Malicious/PortScan": "Inbound"}

    assert set(loaded(data, tmp_path, change)["bot-0"].labels) == {IGNORED, 0, 1}


def test_corrections_are_applied_to_their_log_alone(data: Path, tmp_path: Path) -> None:
    before = loaded(data, tmp_path)
    count = int((before["bot-1"].labels == 1).sum())
    columns = ("file", "id.orig_h", "id.resp_h", "id.resp_p", "proto", "conn_state", "given", "corrected",
               "connections", "reason")  # fmt: skip
    rule = ("bot-1", "", "", "", "", "", "PortScan", "Unknown", count, "for the test")
    write_table(data / "corrections.csv", columns, [rule])
    after = loaded(data, tmp_path, lambda r: r["data"].update(corrections=["corrections.csv"]))
    assert (after["bot-1"].labels[before["bot-1"].labels == 1] == IGNORED).all()
    np.testing.assert_array_equal(after["bot-0"].labels, before["bot-0"].labels)

    write_table(data / "wrong.csv", columns, [(*rule[:8], count + 1, "")])
    with pytest.raises(RecipeError, match=f"meets {count} connections, expected {count + 1}"):
        loaded(data, tmp_path, lambda r: r["data"].update(corrections=["wrong.csv"]))

    write_table(data / "unused.csv", columns, [("bot-9", *rule[1:])])
    with pytest.raises(RecipeError, match="'bot-9'"):
        loaded(data, tmp_path, lambda r: r["data"].update(corrections=["unused.csv"]))


def test_verdicts_label_a_log_that_has_no_labels(data: Path, tmp_path: Path) -> None:
    """As ``zeekml feedback`` writes them; those about connections of no log are passed over."""
    lines = [row_of_log(uid="C1"), row_of_log(uid="C2"), row_of_log(uid="C3", id_orig_p="7")]
    (data / "logs" / "site.conn.log").write_text(conn_log(lines))
    write_table(data / "site.csv", ("file", "group"), [("logs/site.conn.log", "site")])
    for uid, word in (("C1", "C&C"), ("C3", "Benign"), ("C1", "PortScan"), ("C9", "C&C")):
        add_verdict(data / "feedback.csv", Verdict({"uid": uid}, word, "", "", "", 0.5, ""))

    def change(recipe: dict[str, Any]) -> None:
        recipe["data"].update(groups="site.csv", corrections=["feedback.csv"])

    assert loaded(data, tmp_path, change)["site"].labels.tolist() == [1, IGNORED, 0]

    (data / "feedback.csv").unlink()
    add_verdict(data / "feedback.csv", Verdict({"uid": "C9"}, "C&C", "", "", "", 0.5, ""))
    with pytest.raises(RecipeError, match="no correction meets one of its connections"):
        loaded(data, tmp_path, change)


def test_verdicts_correct_a_log_that_has_labels(data: Path, tmp_path: Path) -> None:
    before = loaded(data, tmp_path)["bot-0"]
    at = int(np.flatnonzero(before.labels == 1)[0])
    connection = {str(name): value for name, value in before.frame.iloc[at].items()}
    add_verdict(data / "one.feedback.csv", Verdict(connection, "Benign", "", "", "", 0.5, ""))
    after = loaded(data, tmp_path, lambda r: r["data"].update(corrections=["one.feedback.csv"]))["bot-0"]
    assert np.flatnonzero(after.labels != before.labels).tolist() == [at]
    assert after.labels[at] == 0


def test_further_logs_are_trained_on_and_never_measured(data: Path, tmp_path: Path) -> None:
    found = loaded(
        data, tmp_path, lambda r: r["data"].update(groups="one.csv", training_only=["logs/bot-1*"])
    )
    assert (found["bot-1"].measured, found["bot-1"].group) == (False, "training-only")
    assert found["bot-1"].infected == tuple(malicious_hosts(data / "logs" / "bot-1.conn.log.labeled"))


@pytest.fixture(autouse=True, scope="module")
def _one_capture(data: Path) -> None:
    write_table(data / "one.csv", ("file", "group"), [("logs/clean-0.conn.log.labeled", "clean-0")])


def test_a_label_that_no_pattern_fits(data: Path, tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match="connections are labelled 'Malicious/C&C', which no pattern"):
        loaded(data, tmp_path, lambda r: r.update(classes={"Benign/*": "Benign", "*/PortScan": "PortScan"}))


def test_a_log_without_labels(data: Path, tmp_path: Path) -> None:
    (data / "bare.conn.log").write_text(conn_log([ROW]), encoding="utf-8")
    write_table(data / "bare.csv", ("file", "group"), [("bare.conn.log", "bare")])
    with pytest.raises(RecipeError, match="has no columns label and detailed-label"):
        loaded(data, tmp_path, lambda r: r["data"].update(groups="bare.csv"))


@pytest.mark.parametrize(
    ("tables", "expected"),
    [
        ({"groups": "nope.csv"}, "nope.csv: cannot be read"),
        ({"hosts": "nope.csv"}, "nope.csv: cannot be read"),
        ({"corrections": ["nope.csv"]}, "nope.csv: cannot be read"),
        ({"hosts": "logs/groups.csv"}, "lacks the column 'host'"),
        ({"groups": "logs/hosts.csv"}, "lacks the column 'group'"),
    ],
)
def test_tables_that_are_wrong(data: Path, tmp_path: Path, tables: dict[str, Any], expected: str) -> None:
    with pytest.raises(RecipeError, match=expected):
        loaded(data, tmp_path, lambda r: r["data"].update(tables))


def test_a_log_that_is_absent_is_named(data: Path, tmp_path: Path) -> None:
    write_table(data / "absent.csv", ("file", "group"), [("logs/nope.conn.log", "a")])
    with pytest.raises((RecipeError, InputError), match=r"nope\.conn\.log"):
        loaded(data, tmp_path, lambda r: r["data"].update(groups="absent.csv"))


def test_a_host_that_is_neither_infected_nor_clean(data: Path, tmp_path: Path) -> None:
    write_table(data / "maybe.csv", ("file", "host", "infected"), [("bot-0", "10.0.0.1", "maybe")])
    with pytest.raises(RecipeError, match=r"infected is 'maybe' for .*; expected 0 or 1"):
        loaded(data, tmp_path, lambda r: r["data"].update(hosts="maybe.csv"))


@pytest.mark.parametrize(
    "name", ["x.conn.log", "x.conn.log.labeled", "x.conn.log.labeled.gz", "x.conn.json.gz"]
)
def test_stems(name: str) -> None:
    assert stem(Path("a/b") / name) == "x"


def test_local_hosts_are_those_inside() -> None:
    hosts = ["192.168.1.1", "192.168.1.1", "8.8.8.8", "147.32.1.1", "1.2.3.4", "0.0.0.0", "fe80::1"]  # noqa: S104
    said = [None, None, None, None, True, None, None]
    rows = [row(id_orig_h=host, local_orig=local) for host, local in zip(hosts, said, strict=True)]
    found = local_hosts(capture("a", rows), Networks.parse(["147.32.0.0/16"], "nets"))
    assert found == {"192.168.1.1": 2, "147.32.1.1": 1, "1.2.3.4": 1, "fe80::1": 1}


def test_frames_are_joined_with_their_categories() -> None:
    parts = [frame_of([row(id_orig_h=f"10.0.0.{i}", service=None)]) for i in range(3)]
    whole = join(parts)
    assert whole["id.orig_h"].astype("str").tolist() == ["10.0.0.0", "10.0.0.1", "10.0.0.2"]
    assert whole.index.tolist() == [0, 1, 2]
    assert whole.dtypes.astype(str).to_dict() == parts[0].dtypes.astype(str).to_dict()
