"""The forms of an evaluation: its JSON and its tables on a terminal, as files that were looked at.

``python -m tests.evaluation.test_golden`` writes them anew.
"""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.evaluation.made import document
from zeekml.evaluation.table import show

GOLDEN = Path(__file__).resolve().parent.parent / "data" / "evaluation"


def as_json(found: Any) -> str:
    return json.dumps(found | {"zeekml": "0"}, indent=1, allow_nan=False) + "\n"


def as_table(found: Any) -> str:
    text = io.StringIO()
    show(found, text)
    return "".join(line.rstrip() + "\n" for line in text.getvalue().splitlines())


MADE: dict[str, Callable[[], str]] = {
    "one.json": lambda: as_json(document()),
    "two.json": lambda: as_json(document(pair=True)),
    "one.txt": lambda: as_table(document()),
    "two.txt": lambda: as_table(document(pair=True)),
}


@pytest.mark.parametrize("name", MADE)
def test_the_form_is_as_it_was(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "100")
    assert MADE[name]() == (GOLDEN / name).read_text(encoding="utf-8")


def test_every_field_is_documented(root: Path) -> None:
    page = (root / "docs" / "evaluate.md").read_text(encoding="utf-8")

    def keys(value: Any, inside: str) -> None:
        if isinstance(value, dict) and inside not in {"files", "classes", "figures"}:
            for key, each in value.items():
                name = "recall_at_fpr_X" if key.startswith("recall_at_fpr_") else key
                name = "mean_recall_at_fpr_X" if key.startswith("mean_recall_at_fpr_") else name
                name = "_per_host_day" if name.endswith("_per_host_day") else name
                assert f"{name}`" in page, f"{inside}.{key} is not documented"
                keys(each, key)
        elif isinstance(value, dict):
            for each in value.values():
                keys(each, "")
        elif isinstance(value, list):
            for each in value:
                keys(each, inside)

    keys(document(pair=True), "")


if __name__ == "__main__":
    import os

    os.environ["COLUMNS"] = "100"
    GOLDEN.mkdir(parents=True, exist_ok=True)
    for name, made in MADE.items():
        (GOLDEN / name).write_text(made(), encoding="utf-8")
