"""Made tables in the forms of the two data sets: small, with equal rows, wrong labels and rare classes."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from zeekml.comparison.tables import _UNSW_CATEGORIES, _UNSW_NUMBERS  # the columns are the published ones

SCANS = "CTU-IoT-Malware-Capture-35-1"
FLOODS = "CTU-IoT-Malware-Capture-34-1"
MIXED = "CTU-IoT-Malware-Capture-49-1"
QUIET = "CTU-Honeypot-Capture-5-1"


def iot23(rows: int = 60, seed: int = 0) -> pd.DataFrame:
    """Four scenarios with the published columns; scans repeat, everything else hardly."""
    rng = np.random.default_rng(seed)
    parts = [
        _flows(rng, rows, SCANS, "PartOfAHorizontalPortScan", "tcp", "S0", 0),
        _flows(rng, 5, SCANS, "-", "tcp", "S0", 0),  # scans that are called Benign
        _flows(rng, rows, FLOODS, "DDoS", "tcp", "OTH", 1),
        _flows(rng, rows, FLOODS, "C&C-HeartBeat", "tcp", "S3", 40),
        _flows(rng, rows, FLOODS, "-", "udp", "SF", 300),
        _flows(rng, rows, MIXED, "Okiru", "tcp", "S0", 0),
        _flows(rng, rows // 2, MIXED, "DDoS", "tcp", "OTH", 1),
        _flows(rng, rows // 2, MIXED, "C&C", "tcp", "S3", 50),
        _flows(rng, 6, MIXED, "FileDownload", "tcp", "SF", 100_000),
        _flows(rng, rows, MIXED, "-", "udp", "SF", 400),
        _flows(rng, 8, QUIET, "Attack", "tcp", "RSTR", 900),
        _flows(rng, rows, QUIET, "-", "udp", "S0", 350),
    ]
    frame = pd.concat(parts, ignore_index=True)
    frame.insert(2, "seq", np.arange(len(frame)))
    return frame


def _flows(
    rng: np.random.Generator, rows: int, scenario: str, detailed: str, proto: str, state: str, size: int
) -> pd.DataFrame:
    duration = np.round(rng.exponential(1.0, rows), 3) if size else np.zeros(rows)
    sent = rng.integers(size, 2 * size, rows) if size else np.zeros(rows, dtype=np.int64)
    packets = 1 + rng.integers(0, 2 if not size else 6, rows)
    return pd.DataFrame(
        {
            "scenario": scenario,
            "family": "made",
            "proto": proto,
            "duration": duration,
            "orig_bytes": sent,
            "resp_bytes": sent // 2,
            "conn_state": state,
            "missed_bytes": 0,
            "orig_pkts": packets,
            "orig_ip_bytes": packets * 40 + sent,
            "resp_pkts": packets // 2,
            "resp_ip_bytes": packets // 2 * 40 + sent // 2,
            "label": "Benign" if detailed == "-" else "Malicious",
            "detailed-label": detailed,
        }
    )


def unsw(rows: int = 40, seed: int = 0) -> pd.DataFrame:
    """Four classes whose numbers lie apart, sorted by class as published."""
    rng = np.random.default_rng(seed)
    parts = []
    for at, kind in enumerate(("Normal", "Generic", "Exploits", "Worms")):
        count = 6 if kind == "Worms" else rows
        part = pd.DataFrame({name: np.round(rng.gamma(2 + 3 * at, 1, count), 3) for name in _UNSW_NUMBERS})
        part[list(_UNSW_CATEGORIES)] = ["tcp" if at % 2 else "udp", "http" if at > 1 else "-", "FIN"]
        parts.append(part.assign(attack_cat=kind, label=int(at > 0)))
    frame = pd.concat(parts, ignore_index=True)
    frame.insert(0, "id", np.arange(1, len(frame) + 1))
    return frame


def data_folder(folder: Path, rows: int = 60) -> Path:
    """A data folder with both tables."""
    tables = folder / "tables"
    tables.mkdir(parents=True)
    iot23(rows).to_parquet(tables / "iot23-first100k.parquet")
    unsw(rows).to_csv(tables / "unsw-nb15-82k.csv.gz", index=False)
    return folder
