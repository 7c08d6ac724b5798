"""Fine-tuning: a bundle made to know a site by its own logs and its analysts' verdicts."""

from __future__ import annotations

from zeekml.tuning.job import Asked, Site, Tuned, read_site, recalibrate, tune

__all__ = ["Asked", "Site", "Tuned", "read_site", "recalibrate", "tune"]
