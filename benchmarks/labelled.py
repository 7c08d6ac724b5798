"""Labelled logs as their table of groups names them, read whole; and all that is labelled as one log."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from zeekml.records import COLUMNS, Rejects, discover, join, read_batches
from zeekml.training.captures import load_captures
from zeekml.training.recipe import Recipe

#: Zeek's types of the columns of conn.log, then of the labels.
_TYPES = ("time", "string", "addr", "port", "addr", "port", "enum", "string", "interval", "count", "count", "string",
          "bool", "bool", "count", "string", "count", "count", "count", "count", "string", "string")  # fmt: skip


def logs_of(data: Path) -> Iterator[tuple[Path, str]]:
    """Every log that ``groups.csv`` names, in its order, with its group."""
    with (data / "groups.csv").open(encoding="utf-8", newline="") as table:
        for row in csv.DictReader(table):
            yield data / row["file"], row["group"]


def whole(path: Path) -> tuple[pd.DataFrame, str]:
    """A whole log as one frame of the batch schema, and the name of its stream."""
    (stream,) = discover([str(path)]).streams
    batches = read_batches(stream.files[0], stream.name, rejects=Rejects())
    return join([batch.frame for batch in batches]), stream.name


def write_labelled(recipe: Recipe, data: Path, path: Path) -> int:
    """Write every connection that counts in the captures that a recipe is measured on, with its label, as one TSV log.

    Labels are Benign or Malicious and the class. The number of connections.
    """
    names = [*(column.name for column in COLUMNS), "label", "detailedlabel"]
    classes = np.array(recipe.class_names, dtype=object)
    count = 0
    with path.open("w", encoding="utf-8") as file:
        file.write(
            "#separator \\x09\n#set_separator\t,\n#empty_field\t(empty)\n#unset_field\t-\n#path\tconn\n"
        )
        file.write("\t".join(["#fields", *names]) + "\n" + "\t".join(["#types", *_TYPES]) + "\n")
        for capture in load_captures(recipe, data):
            keep = capture.labels >= 0
            if not (keep.any() and capture.measured):
                continue
            labels = capture.labels[keep]
            texts = {column.name: _texts(capture.frame[keep][column.name], column.kind) for column in COLUMNS}
            texts["label"] = pd.Series(np.where(labels > 0, "Malicious", "Benign"))
            texts["detailedlabel"] = pd.Series(classes[labels])
            pd.DataFrame(texts).to_csv(file, sep="\t", header=False, index=False, quoting=csv.QUOTE_NONE)
            count += len(labels)
    return count


def _texts(column: pd.Series[Any], kind: str) -> pd.Series[Any]:
    """A column as Zeek writes it."""
    column = column.reset_index(drop=True)
    match kind:
        case "time":
            return column.map("{:.6f}".format)
        case "number":
            seconds = column.name == "duration"
            return column.map(lambda x: "-" if np.isnan(x) else f"{x:.6f}" if seconds else f"{x:.0f}")
        case "bool":
            return column.map({True: "T", False: "F"}).astype("object").fillna("-")
        case _:
            return column.astype("object").fillna("-")
