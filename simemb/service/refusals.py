"""What is refused, and how each protocol says so: its status and the shape of its error.

OpenAI: {"error": {"message", "type", "param", "code"}}. text-embeddings-inference (`router/src/http/server.rs`):
{"error", "error_type"}, where what is too large is 413, what has the wrong type 422, an overload 429 and a failure of
the model 424.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from simemb.errors import in_one_line

OPENAI = "/v1/"
"""What the paths of OpenAI's routes begin with; all others speak as text-embeddings-inference does."""


@dataclass(frozen=True)
class Kind:
    """A reason to refuse: the status of OpenAI's protocol and of the other, and what each calls the error."""

    openai: int
    other: int
    openai_type: str = "invalid_request_error"
    other_type: str = "Validation"
    headers: tuple[tuple[str, str], ...] = ()


SYNTAX = Kind(400, 400)
INVALID = Kind(400, 422)
TOO_LARGE = Kind(413, 413)
KEY = Kind(401, 401, "authentication_error", "Unauthorized", (("www-authenticate", "Bearer"),))
HOST = Kind(403, 403, "permission_error", "Forbidden")
ABSENT = Kind(404, 404, "not_found_error", "NotFound")
METHOD = Kind(405, 405)
SLOW = Kind(408, 408, "timeout_error", "Timeout")
MEDIA = Kind(415, 415)
BUSY = Kind(429, 429, "rate_limit_error", "Overloaded", (("retry-after", "1"),))
FAILED = Kind(500, 424, "server_error", "Backend")
DEFECT = Kind(500, 500, "server_error", "Backend")
STOPPING = Kind(503, 503, "server_error", "Unhealthy", (("retry-after", "1"),))


class Refusal(Exception):  # noqa: N818 (an answer, not a failure)
    """A request that is refused: why, in one line, and the field that is to blame."""

    def __init__(self, kind: Kind, message: str, param: str | None = None):
        super().__init__(in_one_line(message))
        self.kind = kind
        self.param = param

    def shaped(self, path: str) -> tuple[int, dict[str, Any], Mapping[str, str]]:
        """Status, content and headers of the answer to a request for this path."""
        headers = dict(self.kind.headers)
        if path.startswith(OPENAI):
            status = self.kind.openai
            error = {"message": str(self), "type": self.kind.openai_type, "param": self.param, "code": None}
            return status, {"error": error}, headers
        return self.kind.other, {"error": str(self), "error_type": self.kind.other_type}, headers
