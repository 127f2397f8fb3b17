"""The networks of a run through CUDA graphs, where they can be recorded; without a GPU nothing changes."""

from collections.abc import Generator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any

from simemb.method.course import Trained


class Replays:
    """The CUDA graphs of a method's networks; see `simemb.training.cuda_graphs`."""

    def __init__(self, method: Trained, *, on_gpu: bool):
        self.method, self.on_gpu = method, on_gpu
        self.graphs: list[Any] = []

    @contextmanager
    def recorded(self) -> Generator[None, None, None]:
        """Inside this context the networks go through CUDA graphs, where they can."""
        if not self.on_gpu:
            yield
            return
        from simemb.training import cuda_graphs

        second = self.method.second
        networks = [self.method.encoder, *([second.encoder] if second else [])]
        self.graphs = [cuda_graphs.Graphs(network) for network in networks if cuda_graphs.able(network)]
        try:
            yield
        finally:
            for graphs in self.graphs:
                graphs.close()
            self.graphs = []

    def working(self) -> AbstractContextManager[None]:
        """Inside this context, that of one batch, the graphs are replayed."""
        if not self.graphs:
            return nullcontext()
        from simemb.training.cuda_graphs import working

        return working(self.graphs)
