"""The two flow tables of the comparison: what is a feature, what is a label, which labels are wrong.

IoT-23 (Garcia, Parmisano, Erquiaga 2020, doi 10.5281/zenodo.4743746): the first connections of each scenario, the
columns of conn.log that tell neither host nor time. UNSW-NB15 (Moustafa, Slay 2015): its flow features.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from zeekml.errors import FormatError, InputError, MissingColumnError

BENIGN: Final = 0
"""The class index of what is no attack; every table has it first."""


@dataclass(frozen=True, eq=False)
class Table:
    """A labelled table of N connections.

    ``features`` (N rows) holds nothing but features: ``categories`` are text, ``numbers`` are numbers. ``labels`` (N,)
    index ``classes``; ``published`` (N,) are the labels as published, ``published_attack`` (N,) whether that is an
    attack. ``scenario`` (N,) names the capture a row is from, None where the table does not say. ``digest`` is the
    SHA-256 of the file.
    """

    name: str
    title: str
    features: pd.DataFrame
    categories: tuple[str, ...]
    numbers: tuple[str, ...]
    classes: tuple[str, ...]
    labels: NDArray[np.int64]
    published: NDArray[np.str_]
    published_attack: NDArray[np.bool_]
    scenario: NDArray[np.str_] | None
    corrected: int
    digest: str

    def __len__(self) -> int:
        return len(self.labels)


@dataclass(frozen=True, slots=True)
class DataSet:
    """Where a data set lies below the data folder, how it is called, and what reads it."""

    name: str
    title: str
    path: str
    load: Callable[[Path], Table]


_IOT23_CATEGORIES = ("proto", "conn_state")
_IOT23_NUMBERS = (
    "duration", "orig_bytes", "resp_bytes", "missed_bytes", "orig_pkts", "orig_ip_bytes", "resp_pkts", "resp_ip_bytes",
)  # fmt: skip
_IOT23_CLASSES = ("Benign", "PortScan", "DDoS", "C&C", "FileDownload", "Attack")
#: Classes of the detailed labels that are no kind of C&C.
_IOT23_WORDS = {
    "-": "Benign",
    "PartOfAHorizontalPortScan": "PortScan",
    "Okiru": "PortScan",  # the label of one family's scan
    "DDoS": "DDoS",
    "FileDownload": "FileDownload",
    "Attack": "Attack",
}
#: Scenarios whose scan is labelled Benign: single SYNs that nobody answered.
_SCANS_CALLED_BENIGN = ("CTU-IoT-Malware-Capture-35-1", "CTU-IoT-Malware-Capture-43-1")


def load_iot23(path: Path) -> Table:
    """Read IoT-23, its labels put right and mapped to six classes. Raises InputError."""
    frame = _read(path, pd.read_parquet)
    needed = (*_IOT23_CATEGORIES, *_IOT23_NUMBERS, "scenario", "label", "detailed-label")
    _check_columns(frame, needed, path)
    detailed = frame["detailed-label"].astype(str)
    kinds = detailed.map(_IOT23_WORDS)
    kinds = kinds.where(~detailed.str.startswith("C&C"), "C&C")
    _check_labels(kinds, detailed, path)
    wrong = (
        frame["scenario"].isin(_SCANS_CALLED_BENIGN)
        & (kinds == "Benign")
        & (frame["proto"] == "tcp")
        & (frame["conn_state"] == "S0")
    )
    kinds = kinds.mask(wrong, "PortScan")
    return Table(
        name="iot23",
        title="IoT-23",
        # family, seq and scenario name the capture and would give its label away.
        features=frame[[*_IOT23_CATEGORIES, *_IOT23_NUMBERS]],
        categories=_IOT23_CATEGORIES,
        numbers=_IOT23_NUMBERS,
        classes=_IOT23_CLASSES,
        labels=_codes(kinds, _IOT23_CLASSES),
        published=detailed.to_numpy(dtype=np.str_),
        published_attack=(frame["label"] != "Benign").to_numpy(dtype=np.bool_),
        scenario=frame["scenario"].to_numpy(dtype=np.str_),
        corrected=int(wrong.sum()),
        digest=_digest(path),
    )


_UNSW_CATEGORIES = ("proto", "service", "state")
_UNSW_NUMBERS = (
    "dur", "spkts", "dpkts", "sbytes", "dbytes", "rate", "sttl", "dttl", "sload", "dload", "sloss", "dloss",
    "sinpkt", "dinpkt", "sjit", "djit", "swin", "stcpb", "dtcpb", "dwin", "tcprtt", "synack", "ackdat", "smean",
    "dmean", "trans_depth", "response_body_len", "ct_srv_src", "ct_state_ttl", "ct_dst_ltm", "ct_src_dport_ltm",
    "ct_dst_sport_ltm", "ct_dst_src_ltm", "is_ftp_login", "ct_ftp_cmd", "ct_flw_http_mthd", "ct_src_ltm",
    "ct_srv_dst", "is_sm_ips_ports",
)  # fmt: skip
_UNSW_CLASSES = (
    "Normal", "Generic", "Exploits", "Fuzzers", "DoS", "Reconnaissance", "Analysis", "Backdoor", "Shellcode", "Worms",
)  # fmt: skip


def load_unsw(path: Path) -> Table:
    """Read UNSW-NB15 with its ten classes. Raises InputError."""
    frame = _read(path, pd.read_csv)
    _check_columns(frame, (*_UNSW_CATEGORIES, *_UNSW_NUMBERS, "attack_cat", "label"), path)
    kinds = frame["attack_cat"].astype(str)
    _check_labels(kinds.where(kinds.isin(_UNSW_CLASSES)), kinds, path)
    return Table(
        name="unsw-nb15",
        title="UNSW-NB15",
        # Rows are sorted by class, so id would give the label away.
        features=frame[[*_UNSW_CATEGORIES, *_UNSW_NUMBERS]],
        categories=_UNSW_CATEGORIES,
        numbers=_UNSW_NUMBERS,
        classes=_UNSW_CLASSES,
        labels=_codes(kinds, _UNSW_CLASSES),
        published=kinds.to_numpy(dtype=np.str_),
        published_attack=(frame["label"] != 0).to_numpy(dtype=np.bool_),
        scenario=None,
        corrected=0,
        digest=_digest(path),
    )


DATA_SETS: Final = {
    "iot23": DataSet("iot23", "IoT-23", "tables/iot23-first100k.parquet", load_iot23),
    "unsw-nb15": DataSet("unsw-nb15", "UNSW-NB15", "tables/unsw-nb15-82k.csv.gz", load_unsw),
}
"""The data sets by name."""


def load_table(name: str, data: Path) -> Table:
    """Read the data set ``name`` of ``DATA_SETS`` below the folder ``data``. Raises InputError."""
    data_set = DATA_SETS[name]
    return data_set.load(data / data_set.path)


def _read(path: Path, reader: Callable[[Path], pd.DataFrame]) -> pd.DataFrame:
    try:
        return reader(path)
    except FileNotFoundError as error:
        raise InputError(f"{path}: is not there; --data takes the folder that holds tables/") from error
    except OSError as error:
        reason = error.strerror or str(error)
        raise InputError(f"{path}: cannot be read ({reason}); check the file and its rights") from error
    except ValueError as error:  # what pandas and Arrow raise for content that is no such table
        raise FormatError(
            f"{path}: is no table of the kind its name says ({error}); fetch it again"
        ) from error


def _check_columns(frame: pd.DataFrame, needed: tuple[str, ...], path: Path) -> None:
    absent = [name for name in needed if name not in frame.columns]
    if absent:
        raise MissingColumnError(f"{path}: lacks {', '.join(absent)}; it is another version of the table")


def _check_labels(kinds: pd.Series, found: pd.Series, path: Path) -> None:
    unknown = sorted(set(found[kinds.isna()]))
    if unknown:
        raise FormatError(f"{path}: holds labels that are not known: {', '.join(unknown[:5])}")


def _codes(kinds: pd.Series, classes: tuple[str, ...]) -> NDArray[np.int64]:
    return np.asarray(pd.Categorical(kinds, categories=list(classes)).codes, dtype=np.int64)


def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()
