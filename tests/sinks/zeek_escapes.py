r"""The other side of Zeek's escapes, from their description alone: what a reader of our logs has to do.

TSV: ``-`` is unset, ``(empty)`` the empty text or set; else ``\xHH`` is a byte and ``\\`` a backslash. Bytes
that are no UTF-8 are carried by Python's ``surrogateescape``.
"""

from __future__ import annotations

import re


def decode_tsv(field: str) -> str | None:
    """The text of a TSV field, None where unset."""
    if field == "-":
        return None
    if field == "(empty)":
        return ""
    raw = field.encode("utf-8", "surrogateescape")
    raw = re.sub(rb"\\(?:x([0-9a-f]{2})|\\)", lambda m: bytes.fromhex(m[1].decode()) if m[1] else b"\\", raw)
    return raw.decode("utf-8", "surrogateescape")


def decode_set(field: str) -> list[str] | None:
    """The elements of a TSV set, None where unset."""
    if field in ("-", "(empty)"):
        return None if field == "-" else []
    return [decode_tsv(element) or "" for element in field.split(",")]


def json_text(value: str) -> str:
    r"""What a JSON parser gets for ``value``: controls (but \b \t \n \f \r) as the text ``\xHH``."""
    if re.search(r"[\ud800-\udfff]", value):
        raw = value.encode("utf-8", "surrogateescape")
        value = re.sub(rb"[\x80-\xff]", lambda m: b"\\x%02x" % m[0][0], raw).decode()
    return re.sub(
        r"[\x00-\x07\x0b\x0e-\x1f\x7f-\x9f]",
        lambda m: "".join(f"\\x{byte:02x}" for byte in m[0].encode()),
        value,
    )


def read_tsv(text: str) -> tuple[dict[str, str], list[dict[str, str]]]:
    """Header lines by key, and records with their fields as they stand."""
    lines = text.split("\n")
    assert lines.pop() == "", "the last line ends in a line feed"
    head = {}
    for line in lines:
        if line.startswith("#"):
            key, _, value = line[1:].partition(" " if line.startswith("#separator") else "\t")
            head[key] = value
    names = head["fields"].split("\t")
    records = [dict(zip(names, line.split("\t"), strict=True)) for line in lines if not line.startswith("#")]
    return head, records
