"""What a notice's ``sub`` says, taken apart: ``score=… class=… [evidence=…] model=… [more=…] [why=…]``."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass

_NEXT = re.compile(r" (?=[a-z_]+=)")


@dataclass(frozen=True, slots=True)
class Facts:
    """``score`` and ``evidence`` (nats): NaN where not said. ``more``: facts of other names, in their order."""

    score: float = math.nan
    class_name: str = ""
    evidence: float = math.nan
    model: str = ""
    why: str = ""
    more: tuple[tuple[str, str], ...] = ()

    def get(self, name: str) -> str:
        """A fact of another name, "" where it is not said."""
        return dict(self.more).get(name, "")

    def others(self, name: str) -> str:
        """All further facts but this one, as they were written."""
        return " ".join(f"{key}={value}" for key, value in self.more if key != name)


def parse_facts(sub: str | None) -> Facts:
    """Take a ``sub`` apart; what is not said, or said otherwise, stays unknown."""
    head, _, why = f" {sub or ''}".partition(" why=")
    said: dict[str, str] = {}
    for part in _NEXT.split(head):
        name, equals, value = part.strip().partition("=")
        if equals:
            said.setdefault(name, value)
    return Facts(
        score=_number(said.pop("score", "")),
        class_name=said.pop("class", ""),
        evidence=_number(said.pop("evidence", "")),
        model=said.pop("model", ""),
        why=why,
        more=tuple(said.items()),
    )


def _number(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        return math.nan
    return value if math.isfinite(value) else math.nan
