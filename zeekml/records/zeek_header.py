r"""The header lines of a Zeek TSV log, wherever in the file they stand.

Source: Zeek's ``LogAscii`` writer. ``#separator`` is followed by a space and the separator in ``\xHH``
form, every other key by the separator. IoT-23's labelled logs join the last three columns with three spaces.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from zeekml.records.escapes import unescape, unescape_bytes
from zeekml.records.schema import REQUIRED

JOINT = "   "
# Characters that the fast path cannot take as a separator, because they mean something to it or to Zeek.
_AWKWARD = b'\\\r\n#"'


@dataclass(frozen=True, slots=True)
class Header:
    """The columns and marks in force. ``names`` has joined columns apart; ``joined`` is their number or 1."""

    separator: bytes = b"\t"
    empty: bytes = b"(empty)"
    unset: bytes = b"-"
    path: str = ""
    opened: str = ""
    names: tuple[str, ...] = ()
    joined: int = 1
    missing: tuple[str, ...] = field(default=REQUIRED)

    @property
    def width(self) -> int:
        """Number of columns between separators."""
        return len(self.names) - self.joined + 1

    @property
    def plain(self) -> bool:
        """Whether the fast path can read lines in this dialect."""
        marks = self.empty + self.unset
        return (
            len(self.separator) == 1
            and self.separator.isascii()
            and self.separator not in _AWKWARD
            and marks.isascii()
            and self.separator not in marks
        )

    def with_line(self, line: bytes) -> Header:  # noqa: PLR0911  (one case a key)
        """Return the header as ``line``, which begins with ``#``, leaves it. Unknown keys change nothing."""
        line = line.removesuffix(b"\r")
        if line.startswith(b"#separator "):
            # The first line of a new header: the marks fall back to Zeek's, the columns stay until `#fields`.
            separator = unescape_bytes(line[len(b"#separator ") :])
            return Header(
                separator=separator or b"\t", names=self.names, joined=self.joined, missing=self.missing
            )
        key, _, value = line.partition(self.separator)
        match key:
            case b"#empty_field":
                return replace(self, empty=value)
            case b"#unset_field":
                return replace(self, unset=value)
            case b"#path":
                return replace(self, path=unescape(value))
            case b"#open":
                return replace(self, opened=unescape(value))
            case b"#fields":
                return self._with_fields(value)
        return self

    def _with_fields(self, value: bytes) -> Header:
        names = [unescape(name) for name in value.split(self.separator)]
        *single, last = names
        parts = last.split(JOINT)
        columns = (*single, *parts)
        missing = tuple(name for name in REQUIRED if name not in columns)
        return replace(self, names=columns, joined=len(parts), missing=missing)
