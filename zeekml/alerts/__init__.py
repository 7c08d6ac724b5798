"""Alerts: thresholds, host evidence over event time, allowlist, suppression."""

from zeekml.alerts.allowlist import AllowEntry, Allowlist
from zeekml.alerts.engine import AlertEngine
from zeekml.alerts.notices import CONNECTION_NOTE, HOST_NOTE, Alerts, Explained, Notice, Standing
from zeekml.alerts.ordinary import Ordinary
from zeekml.alerts.policy import AlertPolicy
from zeekml.alerts.sensors import Sensors

__all__ = [
    "CONNECTION_NOTE",
    "HOST_NOTE",
    "AlertEngine",
    "AlertPolicy",
    "Alerts",
    "AllowEntry",
    "Allowlist",
    "Explained",
    "Notice",
    "Ordinary",
    "Sensors",
    "Standing",
]
