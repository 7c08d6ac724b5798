"""Kernels: what they take, what they give, and when they are made anew."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from zeekml.compiled import compiled, emitted, foreign, inlined, store
from zeekml.compiled.kernel import Kernel
from zeekml.compiled.key import key_of

_FACTOR = np.float64(3)
_TABLE = np.array([1.0, 2.0, 4.0])


@pytest.fixture(autouse=True)
def _folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv(store.FOLDER, str(tmp_path))
    store.folders.cache_clear()
    yield
    store.folders.cache_clear()


_two_more = foreign("tests.compiled.for_numba", "adder", 2.0)


@inlined
def _tripled(value: Any) -> Any:
    return value * _FACTOR + _TABLE[2]


@emitted
def _negated(_context: Any, value: Any) -> Any:
    def generate(_target: Any, builder: Any, _signature: Any, arguments: Any) -> Any:
        return builder.fneg(arguments[0])

    return value(value), generate


@compiled("void(Array(f8, 1, 'C', readonly=True), f8, b1, f4[:, ::1])")
def weigh(values: Any, more: float, negate: bool, out: Any) -> None:
    scratch = np.empty(len(values))
    for i in range(len(values)):
        scratch[i] = _tripled(values[i]) + more
    for i in range(len(out)):
        for j in range(out.shape[1]):
            out[i, j] = _negated(scratch[i]) if negate else scratch[i] + j


@compiled("i8(f8)")
def whole(value: float) -> int:
    return int(_two_more(value))


@compiled("i8(i4[::1], i8)")
def count_above(values: Any, least: int) -> int:
    found = 0
    for value in values:
        found += value > least
    return found


def test_arrays_and_numbers_go_in_and_come_out() -> None:
    values = np.array([1.0, 2.0])
    values.flags.writeable = False
    out = np.zeros((2, 3), dtype=np.float32)
    weigh(values, 0.5, False, out)
    assert out.tolist() == [[7.5, 8.5, 9.5], [10.5, 11.5, 12.5]]
    weigh(values, 0.5, True, out)
    assert out[:, 0].tolist() == [-7.5, -10.5]
    assert count_above(np.array([1, -5, 7], dtype=np.int32), -1) == 2


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (([1.0], 0.5, False, np.zeros((1, 1), np.float32)), "argument 0 is list, expected float64 of 1 dimensions"),
        ((np.zeros(1, np.float32), 0.5, False, np.zeros((1, 1), np.float32)), "argument 0 is float32"),
        ((np.zeros(1), 0.5, False, np.zeros((2, 3), np.float32).T), "not in C order, expected float32"),
        ((np.zeros(1), 0.5, False, np.zeros(1, np.float32)), "argument 3 is float32 of 1 dimensions"),
        ((np.zeros(1), 0.5, False), "3 arguments, expected 4"),
    ],
)  # fmt: skip
def test_other_arguments_are_refused(given: tuple[Any, ...], said: str) -> None:
    with pytest.raises(TypeError, match=said):
        weigh(*given)


def test_what_is_read_only_is_not_written_to() -> None:
    out = np.zeros((1, 1), dtype=np.float32)
    out.flags.writeable = False
    with pytest.raises(TypeError, match=r"read-only, expected .* to be written to"):
        weigh(np.zeros(1), 0.0, False, out)


def test_a_type_that_kernels_do_not_take() -> None:
    @compiled("void(c16[::1])")
    def turned(values: Any) -> None: ...

    with pytest.raises(TypeError, match="is no type that kernels take"):
        turned(np.zeros(1, dtype=np.complex128))


def anew(function: Any) -> Kernel:
    """The same kernel as a process has it that begins."""
    assert isinstance(function, Kernel)
    return Kernel(function.function, function.signature, function._fastmath)


def test_another_process_finds_the_machine_code(tmp_path: Path) -> None:
    count_above_again = anew(count_above)
    count_above_again(np.zeros(1, dtype=np.int32), 0)
    (kept,) = (tmp_path / "machine-code").iterdir()
    assert kept.name.startswith("count_above.")
    assert kept.stat().st_mode & 0o022 == 0
    program = (
        "import sys, numpy as np\n"
        "from tests.compiled.test_kernel import count_above\n"
        "print(count_above(np.arange(5, dtype=np.int32), 2), 'numba' in sys.modules)\n"
    )
    ended = subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, store.FOLDER: str(tmp_path), "PYTHONPATH": str(Path(__file__).parents[2])},
    )
    assert ended.stdout.split() == ["2", "False"]


@pytest.mark.parametrize("how", ["damaged", "cut", "of another", "writable", "a link"])
def test_what_is_not_to_be_trusted_is_made_again(tmp_path: Path, how: str) -> None:
    anew(count_above)(np.zeros(1, dtype=np.int32), 0)
    (kept,) = (tmp_path / "machine-code").iterdir()
    content = kept.read_bytes()
    match how:
        case "damaged":
            kept.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
        case "cut":
            kept.write_bytes(content[: len(content) // 2])
        case "of another":
            kept.write_bytes(content.replace(key_of(anew(count_above)).encode(), b"0" * 64))
        case "writable":
            kept.chmod(0o666)
        case "a link":
            kept.rename(tmp_path / "elsewhere")
            kept.symlink_to(tmp_path / "elsewhere")
    assert store.read("count_above", key_of(anew(count_above))) is None
    assert anew(count_above)(np.array([4], dtype=np.int32), 3) == 1
    assert store.read("count_above", key_of(anew(count_above))) is not None


def test_where_nothing_can_be_kept_it_still_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv(store.FOLDER, str(tmp_path / "file"))
    store.folders.cache_clear()
    assert anew(count_above)(np.array([4], dtype=np.int32), 3) == 1


def test_the_key_goes_by_all_that_the_code_depends_on(monkeypatch: pytest.MonkeyPatch) -> None:
    assert isinstance(weigh, Kernel)
    before = key_of(weigh)
    assert key_of(anew(weigh)) == before
    assert key_of(Kernel(weigh.function, weigh.signature.replace("f4", "f8"), weigh._fastmath)) != before
    with monkeypatch.context() as changed:
        changed.setitem(globals(), "_FACTOR", np.float64(4))
        assert key_of(weigh) != before
    with monkeypatch.context() as changed:
        changed.setitem(globals(), "_TABLE", np.array([1.0, 2.0, 5.0]))
        assert key_of(weigh) != before
    with monkeypatch.context() as changed:
        changed.setitem(globals(), "_tripled", inlined(lambda value: value * 3))
        assert key_of(weigh) != before
    assert key_of(weigh) == before


def test_what_needs_numba_is_read_only_when_it_is_made(monkeypatch: pytest.MonkeyPatch) -> None:
    assert whole(3.5) == 5
    assert isinstance(whole, Kernel)
    before = key_of(whole)
    with monkeypatch.context() as changed:
        changed.setitem(globals(), "_two_more", foreign("tests.compiled.for_numba", "adder", 3.0))
        assert key_of(whole) != before
    with pytest.raises(TypeError, match="called by kernels only"):
        _two_more(1.0)


def test_python_calls_what_is_inlined_as_it_is_written() -> None:
    assert _tripled(2.0) == 10.0
    with pytest.raises(TypeError, match="called by kernels only"):
        _negated(1.0)


def test_no_key_is_made_of_what_may_be_another_in_every_process(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(globals(), "_FACTOR", object())
    assert isinstance(weigh, Kernel)
    with pytest.raises(TypeError, match="of which no key can be made"):
        key_of(weigh)
