"""The facts that are named and their words, against the plain way to find them, one row and one fact at a time."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.builders import Floats, matrix_of, random_log
from zeekml.scoring import wording
from zeekml.scoring.facts import FACTS, Columns, Values
from zeekml.scoring.wording import AT_ONCE, Wording

MOST, LEAST = 3, 0.1


def plainly(parts: np.ndarray, row: Floats) -> list[tuple[int, str]]:
    """The facts of one row that are named, and their words."""
    found: list[tuple[int, str]] = []
    for fact in np.argsort(-parts, kind="stable").tolist():
        if len(found) == MOST or (found and parts[fact] < LEAST):
            break
        if words := FACTS[fact].words(Values(Columns(row[None]))):
            found.append((fact, words))
    return found


def named(by: Wording, parts: np.ndarray, matrix: Floats) -> list[list[tuple[int, str]]]:
    codes = by.named(parts, matrix)
    assert codes.shape == (len(matrix), MOST)
    return [[(by.facts[code], by.words[code]) for code in row if code >= 0] for row in codes.tolist()]


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(0, 60))
def test_as_one_by_one(seed: int, count: int) -> None:
    rng = np.random.default_rng(seed)
    matrix = matrix_of(random_log(seed % 7, 60))[:count]
    silent = rng.random(matrix.shape) < 0.3  # of some facts there is nothing to be said then
    matrix[silent] = np.where(rng.random(int(silent.sum())) < 0.5, np.nan, 0)
    parts = rng.choice([-1.0, 0.0, 0.05, LEAST, 0.5, 2.0], (count, len(FACTS)))  # many are equal
    by = Wording(MOST, LEAST)
    expected = [plainly(*row) for row in zip(parts, matrix, strict=True)]
    assert named(by, parts, matrix) == expected
    assert named(by, parts, matrix) == expected, "what is remembered says the same"
    fewer = slice(0, count, 2)
    assert named(by, parts[fewer], np.ascontiguousarray(matrix[fewer])) == expected[fewer]


def test_of_all_facts_none_may_speak() -> None:
    matrix = np.full((2, matrix_of(random_log(0, 1)).shape[1]), np.nan, dtype=np.float32)
    parts = np.ones((2, len(FACTS)))
    assert named(Wording(MOST, LEAST), parts, matrix) == [
        plainly(*row) for row in zip(parts, matrix, strict=True)
    ]


def test_words_are_forgotten_when_there_are_many(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wording, "_MOST_KNOWN", 20)
    rng = np.random.default_rng(0)
    by, most = Wording(MOST, LEAST), 0
    for seed in range(6):
        matrix = matrix_of(random_log(seed, 30))
        parts = rng.random((len(matrix), len(FACTS)))
        assert named(by, parts, matrix) == [plainly(*row) for row in zip(parts, matrix, strict=True)]
        most = max(most, len(by.words))
    assert 20 < most <= 20 + 30 * len(FACTS)


def test_there_is_room_for_all_that_one_call_may_ask_for() -> None:
    """Every row another one, and every fact of it asked for, as those before it have nothing to say."""
    rng = np.random.default_rng(1)
    matrix = rng.random((AT_ONCE, matrix_of(random_log(0, 1)).shape[1])).astype(np.float32)
    parts = rng.random((AT_ONCE, len(FACTS)))
    by = Wording(MOST, LEAST)
    for _ in range(3):
        matrix += np.float32(1)
        assert named(by, parts, matrix)[::97] == [
            plainly(*row) for row in zip(parts[::97], matrix[::97], strict=True)
        ]


def test_more_rows_than_there_is_room_for_are_refused() -> None:
    matrix = np.zeros((AT_ONCE + 1, matrix_of(random_log(0, 1)).shape[1]), dtype=np.float32)
    with pytest.raises(ValueError, match="2,049 rows at once, expected at most 2,048"):
        Wording(MOST, LEAST).named(np.zeros((len(matrix), len(FACTS))), matrix)
