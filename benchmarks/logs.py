"""The made logs that are measured: how large, in which format, of how many hosts, with how much that is malicious."""

from __future__ import annotations

import sys
from dataclasses import dataclass, replace
from pathlib import Path

from benchmarks.processes import KIB_PER_MIB, run, zeekml

SEED = 1
FORMATS = ("tsv", "json", "eve")
PACKINGS = ("", "gz", "zst")

#: As a number of hosts: as many as connections, each of which has one of its own.
EACH = 0
_MAKES_HOSTS = """
import ipaddress, sys
first, number = int(ipaddress.ip_address("10.0.0.1")), 0
with open(sys.argv[1]) as log, open(sys.argv[2], "w") as out:
    for line in log:
        if not line.startswith("#"):
            ts, uid, _, rest = line.split("\\t", 3)
            line = "\\t".join([ts, uid, str(ipaddress.ip_address(first + number)), rest])
            number += 1
        out.write(line)
"""
_COUNTS_HOSTS = """
import sys
with open(sys.argv[1], "rb") as log:
    print(len({line.split(b"\\t", 3)[2] for line in log if not line.startswith(b"#")}))
"""


@dataclass(frozen=True)
class Log:
    """One log; ``form`` is a format, or a format and a packing such as ``tsv.gz``.

    ``malicious``: its share of the connections, None: as the patterns make it. ``hosts``: None: by the connections,
    EACH: one for each connection (TSV, not packed).
    """

    connections: int
    form: str = "tsv"
    malicious: float | None = None
    hosts: int | None = None
    seed: int = SEED
    labels: bool = False

    @property
    def format(self) -> str:
        """Its format, whatever it is packed with."""
        return self.form.partition(".")[0]

    @property
    def name(self) -> str:
        """The name of its file, the same for the same log."""
        packing = self.form.partition(".")[2]
        told = [f"conn-{self.connections}-{self.seed}"]
        if self.malicious is not None:
            told.append(f"m{self.malicious:g}")
        if self.hosts is not None:
            told.append("each" if self.hosts == EACH else f"h{self.hosts}")
        if self.labels:
            told.append("labels")
        return f"{'-'.join(told)}.{self.format}.log{'.' + packing if packing else ''}"

    def made(self, folder: Path) -> Path:
        """Its file in a folder; it is written if it is not there."""
        path = folder / self.name
        if not path.exists() and self.hosts == EACH:
            if self.form != "tsv":
                raise ValueError(f"{self.form}: only plain TSV logs are made with a host for each connection")
            common = replace(self, hosts=None).made(folder)
            run([sys.executable, "-c", _MAKES_HOSTS, str(common), str(path)])
        elif not path.exists():
            options = [
                "--connections",
                str(self.connections),
                "--seed",
                str(self.seed),
                "--format",
                self.format,
            ]
            if self.malicious is not None:
                options += ["--malicious", str(self.malicious)]
            if self.hosts is not None:
                options += ["--hosts", str(self.hosts)]
            run(zeekml("simulate", "--out", str(path), *options, *(["--labels"] if self.labels else [])))
        return path


def size_mib(path: Path) -> float:
    """Its size in MiB."""
    return path.stat().st_size / KIB_PER_MIB**2


def hosts_in(path: Path) -> int:
    """How many originators a plain TSV log has; counted in a process of its own, so that this one stays small."""
    return int(run([sys.executable, "-c", _COUNTS_HOSTS, str(path)]).said)
