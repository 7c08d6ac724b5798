"""The page about models names every field of bundle.yaml."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from types import UnionType
from typing import Any, get_args

from zeekml.scoring.manifest import Manifest


def fields(model: Any, prefix: str = "") -> Iterator[str]:
    for name, field in model.model_fields.items():
        if hasattr(field.annotation, "model_fields"):
            yield from fields(field.annotation, f"{prefix}{name}.")
        else:
            yield prefix + name
            parts = get_args(field.annotation) if isinstance(field.annotation, UnionType) else ()
            for part in parts:  # one that may be null
                if hasattr(part, "model_fields"):
                    yield from fields(part, f"{prefix}{name}.")


def test_every_field_is_documented_in_order(root: Path) -> None:
    text = (root / "docs" / "models.md").read_text(encoding="utf-8")
    table = text[text.index("## The manifest") : text.index("## Scores")]
    assert re.findall(r"^\| `([a-z0-9_.]+)` \|", table, re.MULTILINE) == list(fields(Manifest))
