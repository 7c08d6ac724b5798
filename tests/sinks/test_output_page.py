"""docs/output.md names every column of every log, and no other."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from zeekml.sinks import notice_log, rejects_log, zeekml_log

PAGE = (Path(__file__).parent.parent.parent / "docs" / "output.md").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("name", "fields"),
    [
        ("notice.log", notice_log.FIELDS),
        ("zeekml.log", zeekml_log.FIELDS),
        ("rejects.log", rejects_log.FIELDS),
    ],
)
def test_every_column_is_documented(name: str, fields: tuple[tuple[str, str], ...]) -> None:
    text = PAGE.split(f"\n## {name}\n")[1].split("\n## ")[0]
    first_cells = re.findall(r"^\| (`.+?) \|", text, re.MULTILINE) or [text.split(":")[0]]
    documented = [column for cell in first_cells for column in re.findall(r"`([a-z_.*]+)`", cell)]
    patterns = [re.escape(column).replace(r"\*", "[a-z_]+") for column in documented]
    for column, _ in fields:
        assert any(re.fullmatch(pattern, column) for pattern in patterns), f"{column} is not documented"
    for pattern in patterns:
        assert any(re.fullmatch(pattern, column) for column, _ in fields), f"{pattern} is no column"
