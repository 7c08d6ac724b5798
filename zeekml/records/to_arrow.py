"""A table of connections made into Arrow's, which holds on to nothing else."""

from __future__ import annotations

import pyarrow as pa

from zeekml.arrow import of_bools, of_numbers
from zeekml.records.schema import COLUMNS, Column
from zeekml.table import Table


def to_arrow(table: Table) -> pa.Table:
    """The columns of the schema, each label's texts those that occur."""
    return pa.table({column.name: _array(column, table) for column in COLUMNS})


def _array(column: Column, table: Table) -> pa.Array:
    name = column.name
    match column.kind:
        case "time" | "number":
            return of_numbers(table.number(name))
        case "port":
            return of_numbers(table.port(name))
        case "bool":
            said = table.said(name)
            return of_bools(said == 1, said < 0)
        case "label":
            labels = table.label(name).compact()
            texts = labels.texts.array.cast(pa.string())
            return pa.DictionaryArray.from_arrays(of_numbers(labels.codes, labels.codes < 0), texts)
        case _:
            return table.text(name).cast(pa.string())
