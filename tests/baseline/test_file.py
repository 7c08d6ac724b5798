"""The file: golden, whole, refused when changed, no link followed."""

from __future__ import annotations

import json
import os
import stat
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.baseline.made import DAY, learned, line, week
from zeekml.alerts import Allowlist
from zeekml.baseline import Baseline, load_baseline, save_baseline
from zeekml.baseline.file import digest, encoded, parse_baseline
from zeekml.baseline.summary import summary
from zeekml.errors import BaselineError, OutputError

GOLDEN = Path(__file__).parent.parent / "data" / "baseline"


@pytest.fixture(scope="module")
def baseline() -> Baseline:
    """A week: a host with a suspicious peer, one that would have been named, one that the model is sure of."""
    named = [line(i * 600.0, 0.97, "10.0.0.6", "203.0.113.6", 8080) for i in range(60)]
    sure = [line(i * DAY, 0.9995, "10.0.0.7", "203.0.113.7", 6667) for i in range(4)]
    polls = [
        line(i * 300.0 + peer, 0.01, "10.0.0.2", f"10.0.1.{peer}", 161, proto="udp", local_resp=True)
        for peer in range(8)
        for i in range(12)
    ]
    return learned([*week(), *named, *sure, *polls])


def test_the_format_is_as_ever(baseline: Baseline) -> None:
    assert encoded(baseline) == (GOLDEN / "baseline.json").read_bytes()


def test_the_summary_is_as_ever(baseline: Baseline) -> None:
    assert "\n".join(summary(baseline)) + "\n" == (GOLDEN / "summary.txt").read_text()


def test_what_is_written_is_read_back(baseline: Baseline, tmp_path: Path) -> None:
    path = tmp_path / "site.json"
    save_baseline(path, baseline)
    assert load_baseline(path) == baseline
    assert stat.S_IMODE(path.stat().st_mode) == 0o640
    assert [each.name for each in tmp_path.iterdir()] == ["site.json"]


@given(
    st.lists(
        st.tuples(
            st.integers(0, 6),
            st.sampled_from([0.1, 0.85, 0.97, 0.9995]),
            st.integers(1, 4),
            st.integers(1, 9),
        ),
        min_size=1,
        max_size=40,
    )
)
def test_any_baseline_is_read_back(lines: list[tuple[int, float, int, int]]) -> None:
    made = learned(
        [
            line(
                day * DAY + number,
                score,
                f"10.0.0.{host}",
                f"203.0.113.{peer}",
                conn_state="S0" if peer > 4 else "SF",
            )
            for number, (day, score, host, peer) in enumerate(lines)
        ]
    )
    back = parse_baseline(encoded(made), "test")
    assert back == made
    assert back.ordinary().peers == made.ordinary().peers


def test_it_may_be_formatted_anew_but_not_changed(baseline: Baseline) -> None:
    content = json.loads(encoded(baseline))
    assert parse_baseline(json.dumps(content, indent=1).encode(), "test") == baseline
    content["hosts"][0]["usual_evidence"] = 500.0
    with pytest.raises(BaselineError, match="was changed after it was written"):
        parse_baseline(json.dumps(content).encode(), "test")


def test_what_has_the_right_hash_and_the_wrong_content_is_refused(baseline: Baseline) -> None:
    content = json.loads(encoded(baseline))
    content["thresholds"]["host"]["value"] = -1.0
    content["sha256"] = digest(content)
    with pytest.raises(BaselineError, match=r"thresholds\.host\.value"):
        parse_baseline(json.dumps(content).encode(), "test")


@pytest.mark.parametrize(
    ("raw", "said"),
    [
        (b"", "is no JSON"),
        (b"[]", "expected 'zeekml baseline 1'"),
        (b'{"format": "zeekml baseline 9"}', "found 'zeekml baseline 9'"),
        (b'{"format": NaN}', "NaN is no number"),
        (b"\xff\xfe", "is no JSON"),
        (b"[" * 100_000, "is no JSON"),
    ],
)
def test_other_files_are_refused(raw: bytes, said: str) -> None:
    with pytest.raises(BaselineError, match=said):
        parse_baseline(raw, "test")


def test_links_are_not_followed(baseline: Baseline, tmp_path: Path) -> None:
    target = tmp_path / "target"
    target.write_text("mine")
    (tmp_path / "link").symlink_to(target)
    with pytest.raises(OutputError, match="links are not followed"):
        save_baseline(tmp_path / "link", baseline)
    assert target.read_text() == "mine"
    save_baseline(tmp_path / "real.json", baseline)
    (tmp_path / "link").unlink()
    (tmp_path / "link").symlink_to(tmp_path / "real.json")
    with pytest.raises(BaselineError, match="no link"):
        load_baseline(tmp_path / "link")


def test_what_is_no_file_is_refused(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(BaselineError, match="no regular file"):
        load_baseline(tmp_path / "pipe")
    with pytest.raises(BaselineError, match="cannot be read"):
        load_baseline(tmp_path / "absent")
    with pytest.raises(BaselineError):
        load_baseline(tmp_path)


def test_an_older_baseline_stays_when_the_new_one_cannot_be_written(
    baseline: Baseline, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "site.json"
    path.write_text("older")

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(os, "fsync", full)
        with pytest.raises(OutputError, match="the disk is full"):
            save_baseline(path, baseline)
    assert [(each.name, each.read_text()) for each in tmp_path.iterdir()] == [("site.json", "older")]


def test_proposals_can_be_copied_into_the_settings(baseline: Baseline) -> None:
    entries = json.loads(encoded(baseline))["proposed_allowlist"]
    assert entries
    assert len(Allowlist.parse(entries)) == len(entries)
