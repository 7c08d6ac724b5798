r"""Alerts in ArcSight's Common Event Format, one line each.

Source: CEF implementation standard, version 25: in the header ``|`` and ``\`` are escaped, in the extension
``=`` and ``\``; no line ends within a record.
"""

from __future__ import annotations

from zeekml import __version__
from zeekml.sinks.alert import AlertRecord, as_address
from zeekml.sinks.text import listed, printable

_NAMES = {"Botnet_Connection": "Botnet connection", "Botnet_Host": "Botnet host"}


def cef_line(record: AlertRecord) -> str:
    """One alert as CEF, without line feed."""
    header = (
        "CEF:0", "zeekml", "zeekml", __version__, record.short_note,
        _NAMES.get(record.short_note, record.short_note), "8" if record.about_host else "6",
    )  # fmt: skip
    return "|".join([*map(_header, header), " ".join(_extension(record))])


def _extension(record: AlertRecord) -> list[str]:
    pairs: list[tuple[str, str]] = [
        ("rt", str(round(record.made * 1000))),
        ("start", str(round(record.ts * 1000))),
        ("externalId", record.id),
        ("cat", record.class_name),
        *_address("src", "c6a2", "Source IPv6 Address", record.orig_h),
        *_address("dst", "c6a3", "Destination IPv6 Address", record.resp_h),
    ]
    if record.has_ports:
        pairs += [("spt", str(record.orig_p)), ("dpt", str(record.resp_p))]
    pairs.append(("proto", record.proto.upper()))
    if record.service is not None:
        pairs.append(("app", record.service))
    pairs += [
        ("cnt", str(record.n)),
        ("cfp1", f"{record.score:.6f}"),
        ("cfp1Label", "score"),
        ("cs1", record.uid),
        ("cs1Label", "uid"),
        ("cs2", record.model),
        ("cs2Label", "model"),
        ("cs3", record.stream),
        ("cs3Label", "stream"),
        ("cn1", str(round(record.suppress_for))),
        ("cn1Label", "suppress_for"),
    ]
    if record.evidence is not None:
        pairs += [("cfp2", f"{record.evidence:.3f}"), ("cfp2Label", "evidence")]
    if record.sensor:
        pairs += [("cs4", ",".join(record.sensor)), ("cs4Label", "sensor")]
    for number, name, values in ((5, "evidence_peers", record.peers), (6, "evidence_ports", record.ports)):
        if text := listed(values):
            pairs += [(f"cs{number}", text), (f"cs{number}Label", name)]
    if record.reasons:
        pairs.append(("reason", record.reasons))
    pairs.append(("msg", record.message()))
    return [f"{key}={_value(value)}" for key, value in pairs]


def _address(v4: str, v6: str, label: str, text: str) -> list[tuple[str, str]]:
    """An address under the key of its version; nothing where it is none (``msg`` has the text)."""
    address = as_address(text)
    if address is None:
        return []
    return [(v4, str(address))] if address.version == 4 else [(v6, str(address)), (f"{v6}Label", label)]


def _header(text: str) -> str:
    return printable(text).replace("\\", r"\\").replace("|", r"\|")


def _value(text: str) -> str:
    return printable(text, 1024).replace("\\", r"\\").replace("=", r"\=")
