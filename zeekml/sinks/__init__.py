"""Outputs: notice.log, zeekml.log and rejects.log, whole or not at all."""

from zeekml.sinks.escapes import Format
from zeekml.sinks.outputs import Outputs, open_outputs

__all__ = ["Format", "Outputs", "open_outputs"]
