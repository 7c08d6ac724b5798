"""notice.log: the notices, in the columns and the order of Zeek's own, in TSV or JSON."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from zeekml.alerts.message import facts, sentence
from zeekml.alerts.notices import Explained, Notice
from zeekml.sinks.connections import Connection, connections_of
from zeekml.sinks.escapes import Format
from zeekml.sinks.zeek_log import Value, record
from zeekml.table import Frame

FIELDS: tuple[tuple[str, str], ...] = (
    ("ts", "time"),
    ("uid", "string"),
    ("id.orig_h", "addr"),
    ("id.orig_p", "port"),
    ("id.resp_h", "addr"),
    ("id.resp_p", "port"),
    ("fuid", "string"),
    ("file_mime_type", "string"),
    ("file_desc", "string"),
    ("proto", "enum"),
    ("note", "enum"),
    ("msg", "string"),
    ("sub", "string"),
    ("src", "addr"),
    ("dst", "addr"),
    ("p", "port"),
    ("n", "count"),
    ("peer_descr", "string"),
    ("actions", "set[enum]"),
    ("email_dest", "set[string]"),
    ("suppress_for", "interval"),
    ("remote_location.country_code", "string"),
    ("remote_location.region", "string"),
    ("remote_location.city", "string"),
    ("remote_location.latitude", "double"),
    ("remote_location.longitude", "double"),
    ("evidence_peers", "vector[addr]"),
    ("evidence_ports", "vector[string]"),
)
"""Names and Zeek types of the columns, in the order of Zeek 7.0's notice.log; ours come last, as those that a script
adds to Zeek's do."""

PEER = "zeekml"
"""``peer_descr``: where Zeek names the node that raised a notice."""

_ACTIONS = ("Notice::ACTION_LOG",)


class NoticeLog:
    """Writes the lines of notice.log by ``write`` (bytes to the file, in order)."""

    def __init__(self, write: Callable[[bytes], None], fmt: Format, *, model: str) -> None:
        self._write = write
        self._format = fmt
        self._model = model
        self.lines = 0

    def write(self, notices: Sequence[Notice], frame: Frame, explained: Explained) -> None:
        """Write the notices of a batch frame, in order."""
        if notices:
            self.write_of(notices, connections_of(notices, frame), explained)

    def write_of(
        self, notices: Sequence[Notice], connections: Iterable[Connection], explained: Explained
    ) -> None:
        """Write notices, each with its connection."""
        lines = [
            record(FIELDS, self._values(notice, connection, explained.of(notice.row)), self._format)
            for notice, connection in zip(notices, connections, strict=True)
        ]
        self._write("".join(lines).encode())
        self.lines += len(lines)

    def _values(self, notice: Notice, connection: Connection, reasons: str) -> list[Value]:
        ts, uid, orig_h, orig_p, resp_h, resp_p, proto, _ = connection
        return [
            ts, uid, orig_h, orig_p, resp_h, resp_p,
            None, None, None,  # fuid, file_mime_type, file_desc: no file is involved
            proto, notice.note,
            sentence(notice, orig_h=orig_h, resp_h=resp_h, resp_p=resp_p, proto=proto),
            facts(notice, model=self._model, reasons=reasons),
            orig_h, resp_h, resp_p, notice.n, PEER, _ACTIONS, (), float(notice.suppress_for),
            None, None, None, None, None,  # remote_location: no place is looked up
            notice.peers or None, notice.ports or None,
        ]  # fmt: skip
