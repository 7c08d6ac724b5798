"""Scores Zeek and Suricata connection logs for botnet activity and writes notice logs back."""

from __future__ import annotations

__version__ = "0.1.0"
