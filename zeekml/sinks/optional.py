"""The optional sinks that the settings ask for."""

from __future__ import annotations

from pathlib import Path

from zeekml.config import SinkSettings
from zeekml.kafka.client import check_installed
from zeekml.sinks.alerts_table import AlertsTableSink
from zeekml.sinks.ecs import EcsSink
from zeekml.sinks.eve_alert import EveAlertSink
from zeekml.sinks.kafka import KafkaSink
from zeekml.sinks.sink import Sink
from zeekml.sinks.syslog import SyslogSink
from zeekml.syslog_address import SyslogAddress


def optional_sinks(settings: SinkSettings, out: Path) -> list[Sink]:
    """The sinks in use; nothing is opened yet. A relative path is in the output folder ``out``.

    Raises ConfigError when a sink's package is not installed.
    """
    sinks: list[Sink] = []
    if settings.ecs.path is not None:
        sinks.append(EcsSink(out / settings.ecs.path))
    if settings.eve.path is not None:
        sinks.append(EveAlertSink(out / settings.eve.path))
    syslog = settings.syslog
    if syslog.address is not None:
        address = SyslogAddress.parse(syslog.address)
        sinks.append(SyslogSink(address, syslog.payload, facility=syslog.facility, app_name=syslog.app_name))
    table = settings.alerts_table
    if table.path is not None:
        sinks.append(AlertsTableSink(out / table.path, keep=table.keep, max_rows=table.max_rows))
    kafka = settings.kafka
    if kafka.topic is not None:
        check_installed()
        sinks.append(KafkaSink(kafka.brokers, kafka.topic, kafka.options))
    return sinks
