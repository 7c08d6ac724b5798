"""A notice's ``sub``, taken apart as it was put together."""

from __future__ import annotations

import math

from hypothesis import given
from hypothesis import strategies as st

from zeekml.alerts.message import facts
from zeekml.alerts.notices import CONNECTION_NOTE, Notice
from zeekml.report.facts import parse_facts

NAMES = st.from_regex(r"[A-Za-z&][A-Za-z&/-]{0,10}( [A-Za-z&/-]{1,5})?", fullmatch=True)


@given(
    name=NAMES,
    score=st.floats(0, 1),
    evidence=st.none() | st.floats(0, 1e6),
    model=st.from_regex(r"[a-z0-9][a-z0-9._-]{0,20}", fullmatch=True),
    why=st.text(max_size=40),
)
def test_what_was_put_together_is_found_again(
    name: str, score: float, evidence: float | None, model: str, why: str
) -> None:
    said = facts(Notice(0, CONNECTION_NOTE, name, score, 1, evidence, 0.0), model=model, reasons=why)
    found = parse_facts(said)
    assert (found.class_name, found.model, found.why, found.more) == (name, model, why, ())
    assert found.score == float(f"{score:.3f}")
    assert math.isnan(found.evidence) if evidence is None else found.evidence == float(f"{evidence:.1f}")


def test_further_facts_are_kept() -> None:
    found = parse_facts(
        "score=0.9 class=C&C model=m health=one-sided traffic peers=10.0.0.1,10.0.0.2 why=a=1 b=2"
    )
    assert found.more == (("health", "one-sided traffic"), ("peers", "10.0.0.1,10.0.0.2"))
    assert found.get("health") == "one-sided traffic"
    assert found.get("nothing") == ""
    assert found.why == "a=1 b=2"


@given(st.none() | st.text(max_size=60))
def test_any_text_is_taken(sub: str | None) -> None:
    found = parse_facts(sub)
    assert math.isnan(found.score) or math.isfinite(found.score)


def test_a_number_that_is_none_is_not_known() -> None:
    assert math.isnan(parse_facts("score=inf class=x").score)
    assert math.isnan(parse_facts("evidence=many").evidence)
