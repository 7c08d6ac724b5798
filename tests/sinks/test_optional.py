"""Which sinks the settings ask for."""

from __future__ import annotations

from pathlib import Path

from tests.sinks.alerts import some_alerts
from zeekml.config import Settings, SinkSettings, parse_settings
from zeekml.sinks.alerts_table import AlertsTableSink
from zeekml.sinks.optional import optional_sinks
from zeekml.sinks.syslog import SyslogSink


def settings_of(text: str) -> SinkSettings:
    return parse_settings(text, "f").sinks


def test_by_default_there_is_none(tmp_path: Path) -> None:
    assert optional_sinks(Settings().sinks, tmp_path) == []


def test_every_sink_has_a_name_of_its_own_and_takes_alerts(tmp_path: Path) -> None:
    settings = settings_of(
        f"sinks: {{ecs: {{path: a.ndjson}}, eve: {{path: {tmp_path}/b.json}},"
        " syslog: {address: 'unix:///nowhere', payload: cef, facility: user, app_name: x},"
        " alerts_table: {path: c.tsv, keep: 100, max_rows: 7}}"
    )
    sinks = optional_sinks(settings, tmp_path / "out")
    assert [sink.name for sink in sinks] == ["ecs", "eve", "syslog", "alerts_table"]
    (tmp_path / "out").mkdir()
    for sink in sinks:
        if isinstance(sink, SyslogSink):
            message = sink.message(some_alerts(1)[0])
            assert message.startswith(b"<13>1 ")
            assert b" x - Botnet_Connection - CEF:0|" in message
            continue
        sink.deliver(some_alerts(1))
        sink.close()
    assert isinstance(sinks[-1], AlertsTableSink)
    assert sinks[-1].most == 7
    assert {path.name for path in (tmp_path / "out").iterdir()} == {"a.ndjson", "c.tsv"}
    assert (tmp_path / "b.json").is_file()
