"""The header lines in force in a Zeek TSV log, kept as they stood, to go on from the middle of a file."""

from __future__ import annotations

import re

_DIRECTIVE = re.compile(rb"^\0*(#[^\n]*)$", re.MULTILINE)
_FIRST = b"#separator"
_KEPT = (b"#set_separator", b"#empty_field", b"#unset_field", b"#path", b"#open", b"#fields", b"#types")


class HeaderKeeper:
    """One line a key, so that it stays small whatever a log holds."""

    def __init__(self, header: bytes = b"") -> None:
        self._lines: dict[bytes, bytes] = {}
        self.take(header)

    def take(self, data: bytes) -> None:
        """Follow the header lines among whole lines."""
        if not (data.startswith((b"#", b"\0")) or b"\n#" in data or b"\n\0" in data):
            return
        for match in _DIRECTIVE.finditer(data):
            line = match.group(1)
            if line.startswith(_FIRST):
                # As the reader does: the marks fall back to Zeek's, the columns stay until `#fields`.
                self._lines = {key: kept for key, kept in self._lines.items() if key == b"#fields"}
                self._lines = {_FIRST: line, **self._lines}
                continue
            for key in _KEPT:
                if line.startswith(key):
                    self._lines[key] = line

    def bytes(self) -> bytes:
        """The lines, each with its newline; empty where there was no header."""
        return b"".join(line + b"\n" for line in self._lines.values())
