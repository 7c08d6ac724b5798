"""Run by Spark (``python -m zeekml.spark.daemon``) in place of its own ``pyspark.daemon``: starts the Python workers.

Spark puts pyspark's archive before the installed pyspark. What is in an archive is compiled anew in every run, half a
second in which nothing else is done.
"""

from __future__ import annotations

import re
import sys

_ARCHIVES = re.compile(r".*[/\\](pyspark|py4j-[\w.]+-src)\.zip")


def behind(path: list[str]) -> list[str]:
    """Where modules are looked for, first where they are installed and last in Spark's archives."""
    return sorted(path, key=lambda place: _ARCHIVES.fullmatch(place) is not None)


if __name__ == "__main__":
    sys.path[:] = behind(sys.path)
    from pyspark.daemon import manager  # the first of pyspark

    manager()
