"""What is known of logs: labels, rules, hosts; and how logs of several files and forms come in."""

from __future__ import annotations

import gzip
import io
from pathlib import Path

import numpy as np
import pytest

from tests.builders import frame_of, row
from tests.made import conn_log
from tests.made import row as text_row
from tests.training.data import recipe_file, write_table
from zeekml.errors import InputError, RecipeError
from zeekml.evaluation.logs import LabelledLog, LabelledLogs, sha256
from zeekml.evaluation.truth import Truth, default_recipe
from zeekml.pipeline.progress import Silent
from zeekml.simulate import Scenario, write_traffic
from zeekml.training import load_recipe
from zeekml.training.captures import IGNORED
from zeekml.training.corrections import COLUMNS

FIELDS = ("ts", "uid", "id.orig_h", "id.orig_p", "id.resp_h", "id.resp_p", "proto", "conn_state", "label",
          "detailed-label")  # fmt: skip


def labelled(folder: Path, name: str, *labels: tuple[str, str], **changes: str) -> Path:
    """A log of one connection for each label."""
    rows = [text_row(**changes) | {"label": label, "detailed-label": detailed} for label, detailed in labels]
    path = folder / name
    path.write_text(conn_log(rows, fields=FIELDS), encoding="utf-8")
    return path


def read(truth: Truth, *paths: Path, told: io.StringIO | None = None) -> list[LabelledLog]:
    return list(LabelledLogs([str(path) for path in paths], truth, Silent(told or io.StringIO())))


@pytest.fixture
def truth() -> Truth:
    return Truth.load()


def test_the_default_class_map_knows_the_published_words(truth: Truth, tmp_path: Path) -> None:
    path = labelled(
        tmp_path, "x.conn.log", ("Benign", "-"), ("Malicious", "PartOfAHorizontalPortScan"), ("Malicious", "C&C"),
        ("Malicious", "External-Attack-to-Device"), ("Unknown", "-"), ("-", "-"),
    )  # fmt: skip
    (log,) = read(truth, path)
    names = load_recipe(default_recipe()).class_names
    expected = [0, names.index("PortScan"), names.index("C&C"), IGNORED, IGNORED, IGNORED]
    assert log.capture.labels.tolist() == expected
    assert (log.name, log.capture.name, log.labelled) == ("x", "x", True)
    assert log.files == {str(path): sha256(path)}


def test_a_word_that_no_pattern_fits_is_told_with_the_log(truth: Truth, tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match=r"x\.conn\.log: 1 connections are labelled 'Odd/thing'"):
        read(truth, labelled(tmp_path, "x.conn.log", ("Odd", "thing")))


def test_a_log_without_labels_is_unknown_until_a_rule_says_more(truth: Truth, tmp_path: Path) -> None:
    write_traffic(tmp_path / "x.eve.json", Scenario(connections=50, seed=1), format="eve")
    (log,) = read(truth, tmp_path / "x.eve.json")
    assert not log.labelled
    assert (log.capture.labels == IGNORED).all()

    rules = write_table(
        tmp_path / "rules.csv", COLUMNS, [("x", "", "", "", "", "", "", "Benign", 50, "made")]
    )
    (log,) = read(Truth.load(rules=[rules]), tmp_path / "x.eve.json")
    assert (log.capture.labels == 0).all()


def test_rules_must_meet_as_many_as_they_say(tmp_path: Path) -> None:
    path = labelled(tmp_path, "x.conn.log", ("Benign", ""), ("Benign", ""))
    rules = write_table(tmp_path / "r.csv", COLUMNS, [("x", "", "", "", "", "", "Benign", "C&C", 3, "")])
    with pytest.raises(RecipeError, match="meets 2 connections, expected 3"):
        read(Truth.load(rules=[rules]), path)


def test_rules_for_no_log_at_all_are_told(tmp_path: Path) -> None:
    path = labelled(tmp_path, "x.conn.log", ("Benign", ""))
    rules = write_table(tmp_path / "r.csv", COLUMNS, [("y", "", "", "", "", "", "", "C&C", 3, "")])
    told = io.StringIO()
    read(Truth.load(rules=[rules]), path, told=told)
    assert "none of the 1 rules is for one of these logs; they are for 'y'" in told.getvalue()


def test_rotated_files_are_one_capture_with_labels_where_there_are_any(truth: Truth, tmp_path: Path) -> None:
    labelled(tmp_path, "conn.2026-01-01-00-00-00.log", ("Benign", ""), ("Malicious", "DDoS"))
    plain = conn_log([text_row()], fields=FIELDS[:-2]).encode()
    (tmp_path / "conn.2026-01-01-01-00-00.log.gz").write_bytes(gzip.compress(plain))
    (log,) = read(truth, tmp_path)
    assert len(log.files) == 2
    assert (log.capture.labels == IGNORED).tolist() == [False, False, True]


def test_two_captures_of_one_name_are_told_apart_by_their_paths(truth: Truth, tmp_path: Path) -> None:
    for folder in ("a", "b"):
        (tmp_path / folder).mkdir()
        labelled(tmp_path / folder, "x.conn.log.labeled", ("Benign", ""))
    logs = read(truth, tmp_path)
    assert [log.name for log in logs] == ["x", "x"]
    assert len({log.capture.name for log in logs}) == 2


def test_a_damaged_log_is_told_and_the_others_are_read(truth: Truth, tmp_path: Path) -> None:
    whole = labelled(tmp_path, "x.conn.log", ("Benign", ""))
    broken = tmp_path / "y.conn.log.gz"
    broken.write_bytes(gzip.compress(whole.read_bytes())[:-9])
    told = io.StringIO()
    logs = LabelledLogs([str(whole), str(broken)], truth, Silent(told))
    assert "x" in [log.name for log in logs]
    assert len(logs.problems) == 1
    assert "y.conn.log.gz" in told.getvalue()


def test_nothing_to_read_is_an_error(truth: Truth, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no connection could be read"):
        read(truth, tmp_path / "absent.log")


FRAME = frame_of(
    [row(id_orig_h=host) for host in ("10.0.0.1", "10.0.0.2", "10.0.0.3", "10.0.0.1", "8.8.8.8")]
)
LOCAL = np.array([True, True, True, True, False])


def test_labels_say_which_hosts_are_infected(truth: Truth) -> None:
    labels = np.array([0, 0, IGNORED, 2, 1])
    found = truth.infected("x", FRAME["id.orig_h"], labels, LOCAL)
    assert found == {"10.0.0.1": True, "10.0.0.2": False}


def test_a_table_of_hosts_goes_before_the_labels(tmp_path: Path) -> None:
    table = write_table(
        tmp_path / "hosts.csv",
        ("file", "host", "infected"),
        [("x", "10.0.0.2", 1), ("y", "*", 0), ("y", "10.0.0.3", 1)],
    )
    truth = Truth.load(hosts=table)
    labels = np.array([0, 0, 0, 2, 1])
    assert truth.infected("x", FRAME["id.orig_h"], labels, LOCAL) == {"10.0.0.2": True}
    assert truth.infected("y", FRAME["id.orig_h"], labels, LOCAL) == {
        "10.0.0.1": False, "10.0.0.2": False, "10.0.0.3": True,
    }  # fmt: skip
    assert truth.infected("z", FRAME["id.orig_h"], labels, LOCAL)["10.0.0.1"] is True


def test_another_recipe_brings_its_own_classes(tmp_path: Path) -> None:
    (log,) = read(Truth.load(recipe_file(tmp_path)), labelled(tmp_path, "x.conn.log", ("Malicious", "C&C")))
    assert log.capture.labels.tolist() == [2]


def test_the_corrections_of_the_public_captures_meet_what_they_say(shared_data: Path) -> None:
    rules = shared_data / "label-corrections.csv"
    truth = Truth.load(rules=[rules])
    files = sorted({rule.file for rule in truth.rules})
    logs = read(truth, *(next((shared_data / "zeek").glob(f"{name}.conn*")) for name in files))
    plain = read(Truth.load(), *(log.capture.path for log in logs))
    changed = sum(int((a.capture.labels != b.capture.labels).sum()) for a, b in zip(logs, plain, strict=True))
    assert changed == sum(rule.connections or 0 for rule in truth.rules)
