"""``zeekml doctor``: looks at all that a watch needs, before it is started or when it is not well."""

from __future__ import annotations

from zeekml.operations.doctor.examine import examine
from zeekml.operations.doctor.finding import Finding, Level

__all__ = ["Finding", "Level", "examine"]
