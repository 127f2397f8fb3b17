"""How much a server takes: what one request may hold, and what may be in memory at once."""

from dataclasses import dataclass, fields

from simemb.arguments import checked_fields
from simemb.errors import ServiceError
from simemb.service.refusals import BUSY, Refusal

WAITING = 16
"""Requests of the greatest length that may be in memory at once, so that many long ones cannot fill it."""


@checked_fields
@dataclass(frozen=True)
class Limits:
    """What is above one of these is refused in one line, with the status 413, or 429 for what would be taken later."""

    max_texts: int = 2048
    """Texts in a request, OpenAI's own limit."""
    max_tokens: int = 300_000
    """Tokens in a request, after each text is cut to what the model takes; OpenAI's own limit."""
    max_bytes: int = 8_000_000
    """Bytes in the body of a request."""
    max_requests: int = 512
    """Requests that are read, wait or are computed at once; the next one gets 429 and may be sent again."""

    def __post_init__(self) -> None:
        for field in fields(self):
            if getattr(self, field.name) < 1:
                raise ServiceError(f"{field.name} must be 1 or more, not {getattr(self, field.name)}")


class Admission:
    """Counts what is in memory of all requests, and refuses what would be too much; used by one thread alone."""

    def __init__(self, limits: Limits):
        self.limits = limits
        self.requests = self.bytes = self.texts = 0

    def enter(self) -> "Ticket":
        """Let a request in. Raises `Refusal` (429) if there are `max_requests` already."""
        if self.requests >= self.limits.max_requests:
            raise Refusal(BUSY, f"{self.requests} requests are being answered, as many as the server takes: try again")
        self.requests += 1
        return Ticket(self)


class Ticket:
    """What one request holds of the memory, until `leave`."""

    def __init__(self, admission: Admission):
        self._admission = admission
        self._bytes = self._texts = 0

    def hold(self, *, size: int = 0, texts: int = 0) -> None:
        """Hold more bytes and texts. Raises `Refusal` (429) if all requests together would have too many."""
        admission, limits = self._admission, self._admission.limits
        if admission.bytes + size > WAITING * limits.max_bytes or admission.texts + texts > WAITING * limits.max_texts:
            raise Refusal(BUSY, "the requests that wait fill the memory that the server gives them: try again")
        admission.bytes += size
        admission.texts += texts
        self._bytes += size
        self._texts += texts

    def leave(self) -> None:
        """Give back what this request held."""
        self._admission.requests -= 1
        self._admission.bytes -= self._bytes
        self._admission.texts -= self._texts
