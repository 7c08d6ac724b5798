"""What runs a bundle's network over a stream: its ONNX graph where it has one, compiled kernels for the kind that is
shipped, PyTorch for the others."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from zeekml.arrays import Arrays
from zeekml.extras import need_torch
from zeekml.features import Block
from zeekml.scoring.bundle import Bundle


class Runs(Protocol):
    """A network in use over one stream, with what it carries of every host."""

    @property
    def reserved(self) -> int:
        """Hosts for whose state there is memory."""

    def logits(self, block: Block) -> NDArray[np.float32]:
        """Logits (N, K) of a block in log order; the state of its hosts is carried on."""

    def export(self, slots: NDArray[np.int64]) -> Arrays:
        """The state carried in these slots, a copy."""

    def restore(self, arrays: Arrays, hosts: int) -> None:
        """Carry what ``export`` gave for ``hosts`` slots, the i-th in slot i. Raises StateError."""


def runners_of(bundle: Bundle, threads: int | None = None) -> Callable[[], Runs]:
    """What begins a run over a stream, each with a state of its own; ``threads`` is for ONNX Runtime and PyTorch.

    Raises ModelError where what the bundle needs is not installed.
    """
    sizes = bundle.manifest.network
    if bundle.graph is not None:
        from zeekml.scoring.onnx_runner import OnnxRunner, session_of  # noqa: PLC0415 - an extra

        session = session_of(bundle.graph, sizes, threads)
        return lambda: OnnxRunner(session, bundle.encoding, sizes)
    from zeekml.scoring.kernels.network import (  # noqa: PLC0415 - its modules are compiled or loaded
        CompiledNetwork,
        CompiledRunner,
        is_compiled,
    )

    if is_compiled(sizes, bundle.encoding):
        members = CompiledNetwork.members(bundle.encoding, bundle.weights, sizes)
        return lambda: CompiledRunner(members, sizes.classes)
    need_torch(f"a network such as that of model {bundle.name}")
    import torch  # noqa: PLC0415 - takes seconds

    from zeekml.scoring.runner import Runner  # noqa: PLC0415 - brings PyTorch

    if threads is not None:
        torch.set_num_threads(threads)
    return lambda: Runner(bundle.network, bundle.encoding)
