"""The scorer: scores of streams in batches, their memory, their reasons."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings

from tests.builders import cut, cuts, logs, random_log, tiny_bundle
from zeekml.scoring import Bundle, Scorer, Scores, StateLimits, load_bundle

SMALL = StateLimits(idle=100, max_pairs=9)


def joined(parts: list[Scores]) -> Scores:
    return Scores(
        *(
            np.concatenate([getattr(part, name) for part in parts])
            for name in ("score", "class_index", "class_score")
        )
    )


def expect_same(found: Scores, expected: Scores) -> None:
    np.testing.assert_allclose(found.score, expected.score, atol=1e-4)
    np.testing.assert_allclose(found.class_score, expected.class_score, atol=1e-4)


@settings(deadline=None, max_examples=25)
@given(frame=logs(), places=cuts())
def test_cuts_change_no_score(bundle: Bundle, frame: pd.DataFrame, places: list[int]) -> None:
    whole = Scorer(bundle, limits=SMALL).score(frame, "a")
    scorer = Scorer(bundle, limits=SMALL)
    expect_same(joined([scorer.score(part, "a") for part in cut(frame, places)]), whole)


def test_scores_are_what_they_say(bundle: Bundle) -> None:
    scores = Scorer(bundle).score(random_log(0, 300), "a")
    assert len(scores) == 300
    assert scores.score.dtype == scores.class_score.dtype == np.dtype(np.float32)
    assert scores.class_index.dtype == np.dtype(np.int64)
    assert ((scores.score > 0) & (scores.score < 1)).all()
    assert set(scores.class_index) <= set(range(1, len(bundle.classes)))
    assert (scores.class_score <= scores.score).all()
    assert (scores.class_score >= scores.score / (len(bundle.classes) - 1) - 1e-6).all()


def test_streams_have_memories_of_their_own(bundle: Bundle) -> None:
    frame = random_log(0, 100)
    scorer = Scorer(bundle)
    first = scorer.score(frame, "a")
    expect_same(scorer.score(frame, "b"), first)
    assert not np.allclose(scorer.score(frame, "a").score, first.score, atol=1e-4)


def test_streams_may_take_turns(bundle: Bundle) -> None:
    one, two = random_log(0, 90), random_log(1, 90)
    scorer = Scorer(bundle)
    found: dict[str, list[Scores]] = {"a": [], "b": []}
    for parts in zip(cut(one, [20, 50]), cut(two, [30, 70]), strict=True):
        for name, part in zip("ab", parts, strict=True):
            found[name].append(scorer.score(part, name))
    for name, frame in (("a", one), ("b", two)):
        expect_same(joined(found[name]), Scorer(bundle).score(frame, "x"))


def test_a_stream_that_ended_is_forgotten(bundle: Bundle) -> None:
    frame = random_log(0, 100)
    scorer = Scorer(bundle)
    first = scorer.score(frame, "a")
    assert (scorer.hosts_held, scorer.pairs_held > 0) == (4, True)
    scorer.end_stream("a")
    scorer.end_stream("never begun")
    assert (scorer.hosts_held, scorer.pairs_held, scorer.caps_acted) == (0, 0, 0)
    expect_same(scorer.score(frame, "a"), first)


def test_what_a_cap_put_out_is_counted_also_after_the_stream(
    bundle: Bundle, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("zeekml.features.state.CAP_EVERY", 50)
    scorer = Scorer(bundle, limits=StateLimits(max_hosts=2))
    scorer.score(random_log(0, 100), "a")
    assert scorer.hosts_held == 2
    acted = scorer.caps_acted
    assert acted >= 2
    scorer.end_stream("a")
    assert scorer.caps_acted == acted


def test_an_empty_batch(bundle: Bundle) -> None:
    scorer = Scorer(bundle)
    scores = scorer.score(random_log(0, 5).iloc[:0], "a")
    assert len(scores) == len(scores.class_index) == len(scores.class_score) == 0
    assert scorer.reasons(scores, np.empty(0, dtype=np.int64)) == []


def test_reasons_of_some_rows(bundle: Bundle) -> None:
    scorer = Scorer(bundle)
    scores = scorer.score(random_log(0, 50), "a")
    every = scorer.reasons(scores, np.arange(50))
    assert scorer.reasons(scores, np.array([7, 3])) == [every[7], every[3]]


def test_scores_without_features_have_no_reasons(bundle: Bundle) -> None:
    scores = Scorer(bundle).score(random_log(0, 3), "a")
    bare = Scores(scores.score, scores.class_index, scores.class_score)
    assert Scorer(bundle).reasons(bare, np.array([0, 1])) == ["", ""]


def test_a_bundle_in_flow_layout(tmp_path: Path) -> None:
    bundle = load_bundle(tiny_bundle(tmp_path / "tiny", layout="flow"))
    frame = random_log(0, 60)
    scorer = Scorer(bundle)
    expect_same(
        joined([scorer.score(part, "a") for part in cut(frame, [7, 8])]), Scorer(bundle).score(frame, "a")
    )
