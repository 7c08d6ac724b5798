"""What Spark says of work that it gave up, told as zeekml tells of errors: in a line instead of Java's stacks."""

from __future__ import annotations

import builtins
import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from zeekml.errors import OutputError

_RAISED: Final = re.compile(
    r"(?:^|: )Traceback \(most recent call last\):\n(?:[ \t].*\n)*(?P<kind>[\w.]+)(?:: (?P<what>.*))?$",
    re.MULTILINE,
)
"""An error of a Python worker."""
_DURING: Final = "During handling of the above exception"
_FOREWORD: Final = re.compile(r"An error occurred while calling .*\n: ")
_LOST_TASK: Final = re.compile(r".*?most recent failure: Lost task .*? executor \w+\): ")
_JAVA_CLASS: Final = re.compile(r"(?:[a-z]\w*\.)+\w+(?:Exception|Error): ")
_SUGGESTION: Final = re.compile(r"\. Consider .*")
_NOT_OURS: Final = (OSError, MemoryError)


@contextmanager
def given_up(doing: str, advice: str) -> Iterator[None]:
    """Raise OutputError, ``doing`` and why and ``advice``, for errors of Spark, Java, the machines and their disks.

    An error in the code of a task stays what it is, with its traceback.
    """
    from py4j.protocol import Py4JError, Py4JJavaError  # noqa: PLC0415  an extra, and heavy
    from pyspark.errors import PySparkException  # noqa: PLC0415

    try:
        yield
    except (Py4JError, PySparkException, ConnectionError, EOFError) as error:
        is_told = isinstance(error, Py4JJavaError | PySparkException)
        why = reason(str(error)) if is_told else "Java has ended, or does not answer"
        if why is None:
            raise
        raise OutputError(f"{doing}: {why}; {advice}") from error


def reason(text: str) -> str | None:
    """The line of Spark's text that says why; None where a task ended in an error of its code."""
    if raised := list(_RAISED.finditer(text)):
        kind, what = raised[-1]["kind"], raised[-1]["what"]
        return (what or kind) if all(map(_is_not_ours, _handled(text, raised))) else None
    line = _FOREWORD.sub("", text, count=1).partition("\n")[0]
    line = _LOST_TASK.sub("", line, count=1)
    while (found := _JAVA_CLASS.match(line)) and found.end() < len(line):
        line = line[found.end() :]
    line = _SUGGESTION.sub("", line).strip().rstrip(".")
    return f"Spark says: {line}" if line else "Spark does not say why"


def _handled(text: str, raised: list[re.Match[str]]) -> list[str]:
    """The kinds of the last error and of those in whose handling it came: tidying up may fail too."""
    kinds = [raised[-1]["kind"]]
    for earlier, later in zip(raised[-2::-1], raised[:0:-1], strict=True):
        if _DURING not in text[earlier.end() : later.start()]:
            break
        kinds.append(earlier["kind"])
    return kinds


def _is_not_ours(kind: str) -> bool:
    """Whether it is an error that zeekml raises on purpose, or one of the machine."""
    if kind.endswith("MemoryError"):  # numpy and Arrow have their own
        return True
    known = getattr(builtins, kind, None)
    return kind.startswith("zeekml.errors.") or (isinstance(known, type) and issubclass(known, _NOT_OURS))
