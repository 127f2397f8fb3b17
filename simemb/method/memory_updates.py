"""What a memory takes of a batch, after its loss is computed."""

from collections.abc import Sequence

from simemb.distributed import gather, gather_numbers
from simemb.method.memory import BankState, NoiseState, QueueState
from simemb.method.step_input import StepInput
from simemb.method.view_pairs import Sides
from simemb.method.views import View


def remember(
    memory: QueueState | BankState | NoiseState | None,
    own: Sequence[QueueState],
    sides: Sides,
    examples: StepInput,
    views: Sequence[View],
) -> None:
    """The queries of all processes move the rows of a bank; their keys enter the queues.

    memory: the recipe's. own: the queues of terms of a sum.
    """
    if isinstance(memory, BankState):
        for query in sides.queries.values():
            memory.push(gather_numbers(examples.rows), gather(query.detach()))
    keys = [place for place in sides.keys if views[place].target and not views[place].negative]
    for queue in [*own, memory] if isinstance(memory, QueueState) else own:
        for place in keys if queue.view is None else [queue.view]:
            vectors = (sides.queue_keys if place in sides.queue_keys else sides.keys)[place]
            queue.push(gather(vectors.detach()), gather_numbers(examples.texts[place]))
