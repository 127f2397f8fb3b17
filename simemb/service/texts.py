"""What the protocols have in common: the texts of a request, and what the head of an answer says of them."""

from typing import Any

from simemb.service.batcher import Item, Job
from simemb.service.operations import Call


def items_of(value: Any, call: Call) -> list[Item]:
    """One text or token ids, or several, as a list, which the call holds. Raises `Refusal` (429)."""
    items: list[Item] = [value] if isinstance(value, str) or isinstance(value[0], int) else [*value]
    call.hold(items)
    return items


def headers_of(job: Job) -> dict[str, str]:
    """The tokens that were computed, and how many texts were cut if any was."""
    cut = {"x-truncated-texts": str(job.truncated)} if job.truncated else {}
    return {"x-compute-tokens": str(job.tokens), **cut}
