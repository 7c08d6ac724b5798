"""The notebook of ``examples/``: every cell runs, and the list of hosts that it comes to is right."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import nbformat
import pytest
from nbclient import NotebookClient
from nbformat.v4 import new_code_cell
from traitlets.config import Config

from zeekml.cli import main
from zeekml.resources import DEFAULT_MODEL
from zeekml.scoring import load_bundle

NOTEBOOK = Path(__file__).resolve().parents[2] / "examples" / "rank_hosts.ipynb"

# Run after the last cell: what it came to, and the logs it made, which would be gone with it.
KEEP = """
import shutil
ranking.drop(columns="first").reset_index().to_json("ranking.json", orient="records")
infected.reset_index().to_json("infected.json", orient="records")
shutil.copytree(LOGS, "logs")
"""


def as_committed() -> Any:
    return nbformat.read(NOTEBOOK, as_version=4)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the notebook was executed as it is, by a kernel of its own."""
    folder = tmp_path_factory.mktemp("notebook")
    notebook = as_committed()
    notebook.cells.append(new_code_cell(KEEP))
    root = str(NOTEBOOK.parents[1])
    # Sockets of the file system, whose names must be short, and nothing of this user's settings.
    with TemporaryDirectory(prefix="zeekml-") as runtime, pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", os.pathsep.join([root, *filter(None, [os.environ.get("PYTHONPATH")])]))
        patch.setenv("PYTHONWARNINGS", "error::FutureWarning,error::DeprecationWarning:__main__")
        for name in ("IPYTHONDIR", "JUPYTER_CONFIG_DIR", "JUPYTER_RUNTIME_DIR", "MPLCONFIGDIR"):
            patch.setenv(name, f"{runtime}/{name.lower()}")
        NotebookClient(
            notebook,
            kernel_name="python3",
            config=Config(ConnectionFileMixin={"transport": "ipc", "ip": f"{runtime}/kernel"}),
            resources={"metadata": {"path": str(folder)}},
            timeout=300,
            startup_timeout=300,
        ).execute()
    nbformat.write(notebook, folder / "executed.ipynb")
    return folder


def key(host: dict[str, Any]) -> tuple[str, str]:
    return host["log"], host["id.orig_h"]


def loaded(path: Path) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = json.loads(path.read_text())
    return rows


def test_infected_hosts_stand_on_top(folder: Path) -> None:
    """Of both networks the host that scans and the one that sends spam, before all clean hosts."""
    ranking, infected = loaded(folder / "ranking.json"), loaded(folder / "infected.json")
    loud = {key(host) for host in infected if re.search("PortScan|Spam", host["detailed-label"])}
    assert {log for log, _ in loud} == {"office/conn.log", "plant/conn.log"}
    assert len(loud) == 4
    assert {key(host) for host in ranking[:4]} == loud
    assert all(host["named"] and host["infected with"] for host in ranking[:4])
    assert [host["evidence"] for host in ranking] == sorted(
        (host["evidence"] for host in ranking), reverse=True
    )


@pytest.mark.parametrize("log", ["office/conn.log", "plant/conn.log"])
def test_the_hosts_named_are_those_of_the_notices(folder: Path, tmp_path: Path, log: str) -> None:
    """As ``zeekml score`` has them for the same logs; one as near to the threshold as scores may differ is left out."""
    with pytest.raises(SystemExit) as stop:
        main(["score", str((folder / "logs" / log).parent), "--out", str(tmp_path), "--quiet"])
    assert stop.value.code == 0
    lines = (tmp_path / "notice.log").read_text().splitlines()
    notices = [line.split("\t") for line in lines if not line.startswith("#")]
    noticed = {fields[2] for fields in notices if fields[10] == "ZeekML::Botnet_Host"}
    own = [host for host in loaded(folder / "ranking.json") if host["log"] == log]
    threshold = load_bundle(DEFAULT_MODEL).thresholds.host
    near = {host["id.orig_h"] for host in own if abs(host["evidence"] / threshold - 1) < 0.01}
    assert noticed - near == {host["id.orig_h"] for host in own if host["named"]} - near
    assert len(noticed - near) >= 2


def test_every_cell_has_run_and_there_are_plots(folder: Path) -> None:
    notebook = nbformat.read(folder / "executed.ipynb", as_version=4)
    cells = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert [cell.execution_count for cell in cells] == list(range(1, len(cells) + 1))
    outputs = [output for cell in cells for output in cell.outputs]
    assert [
        output for output in outputs if output.output_type == "error" or output.get("name") == "stderr"
    ] == []
    assert sum("image/png" in output.get("data", {}) for output in outputs) == 4


def test_it_is_committed_without_outputs() -> None:
    """They change with every model, and no reader could tell old ones from new."""
    notebook = as_committed()
    nbformat.validate(notebook)
    for cell in notebook.cells:
        if cell.cell_type == "code":
            assert cell.outputs == []
            assert cell.execution_count is None
    assert notebook.metadata.kernelspec.name == "python3"
