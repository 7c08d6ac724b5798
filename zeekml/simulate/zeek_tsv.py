"""conn.log as Zeek's ASCII writer makes it, its marks and line ends as a site may have set them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

from zeekml.simulate import text
from zeekml.simulate.addresses import is_local
from zeekml.simulate.table import HISTORIES, LABELS, PROTOS, SERVICES, STATES, Connections

FIELDS: tuple[tuple[str, str], ...] = (
    ("ts", "time"), ("uid", "string"),
    ("id.orig_h", "addr"), ("id.orig_p", "port"), ("id.resp_h", "addr"), ("id.resp_p", "port"),
    ("proto", "enum"), ("service", "string"), ("duration", "interval"),
    ("orig_bytes", "count"), ("resp_bytes", "count"), ("conn_state", "string"),
    ("local_orig", "bool"), ("local_resp", "bool"), ("missed_bytes", "count"), ("history", "string"),
    ("orig_pkts", "count"), ("orig_ip_bytes", "count"), ("resp_pkts", "count"), ("resp_ip_bytes", "count"),
    ("tunnel_parents", "set[string]"),
)  # fmt: skip
"""The 21 columns of Zeek 7.0 with their types, in its order."""

LABEL_FIELDS = (("label", "string"), ("detailed-label", "string"))


@dataclass(frozen=True, slots=True)
class TsvStyle:
    """How a TSV log is marked up; the defaults are Zeek's.

    ``label_gap`` stands before each label column (IoT-23 joins them with three spaces); None is the
    separator. ``close`` False leaves ``#close`` out, as after a crash.
    """

    separator: str = "\t"
    set_separator: str = ","
    empty_field: str = "(empty)"
    unset_field: str = "-"
    newline: str = "\n"
    label_gap: str | None = None
    close: bool = True


ZEEK = TsvStyle()


def header(style: TsvStyle, opened: float, *, labels: bool, path: str = "conn") -> bytes:
    """The eight header lines; ``opened`` in epoch seconds is written as UTC."""
    names, types = (_columns(place, style, labels) for place in (0, 1))
    tab = style.separator
    lines = [
        "#separator " + "".join(f"\\x{byte:02x}" for byte in tab.encode()),
        f"#set_separator{tab}{style.set_separator}",
        f"#empty_field{tab}{style.empty_field}",
        f"#unset_field{tab}{style.unset_field}",
        f"#path{tab}{path}",
        f"#open{tab}{_clock(opened)}",
        f"#fields{tab}{names}",
        f"#types{tab}{types}",
    ]
    return "".join(line + style.newline for line in lines).encode()


def footer(style: TsvStyle, closed: float) -> bytes:
    """The ``#close`` line, or nothing where the style has none."""
    return f"#close{style.separator}{_clock(closed)}{style.newline}".encode() if style.close else b""


def lines(table: Connections, style: TsvStyle, *, labels: bool) -> text.Text:
    """One line for each connection, line end included."""

    def unset(column: text.Text) -> text.Text:
        return column.fill_null(style.unset_field)

    def word(value: str | None) -> str | None:
        return None if value is None else _escaped(value, style)

    columns = [
        text.seconds(table.ts),
        text.uids(table.number),
        text.addresses(table.orig_h),
        text.counts(table.orig_p),
        text.addresses(table.resp_h),
        text.counts(table.resp_p),
        text.words(table.proto, PROTOS),
        unset(text.words(table.service, [word(name) for name in SERVICES])),
        unset(text.seconds(table.duration)),
        unset(text.counts(table.orig_bytes)),
        unset(text.counts(table.resp_bytes)),
        text.words(table.conn_state, STATES),
        text.words(is_local(table.orig_h).view("u1"), ("F", "T")),
        text.words(is_local(table.resp_h).view("u1"), ("F", "T")),
        "0",
        unset(text.words(table.history, HISTORIES)),
        text.counts(table.orig_pkts),
        text.counts(table.orig_ip_bytes),
        text.counts(table.resp_pkts),
        text.counts(table.resp_ip_bytes),
        style.unset_field,
    ]
    tail = style.newline
    if labels:
        gap = style.separator if style.label_gap is None else style.label_gap
        endings = [gap + word_ + gap + (detail or style.unset_field) + tail for word_, detail in LABELS]
        return text.joined(text.joined(*columns, between=style.separator), text.words(table.label, endings))
    return text.joined(text.joined(*columns, between=style.separator), tail)


def _columns(place: int, style: TsvStyle, labels: bool) -> str:
    """The names (place 0) or types (1) of all columns, joined."""
    gap = style.separator if style.label_gap is None else style.label_gap
    plain = style.separator.join(pair[place] for pair in FIELDS)
    return gap.join([plain, *(pair[place] for pair in LABEL_FIELDS if labels)])


def _escaped(value: str, style: TsvStyle) -> str:
    """A word of ours with the separator, or equal to a mark, escaped as Zeek does (``\\x2c``)."""
    value = value.replace(style.separator, "".join(f"\\x{byte:02x}" for byte in style.separator.encode()))
    if value in (style.unset_field, style.empty_field):
        return f"\\x{ord(value[0]):02x}{value[1:]}"
    return value


def _clock(epoch: float) -> str:
    return datetime.fromtimestamp(epoch, UTC).strftime("%Y-%m-%d-%H-%M-%S")
