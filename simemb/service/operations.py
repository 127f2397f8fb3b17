"""A route: its path, what it takes and gives, and the function that answers."""

import asyncio
import logging
import traceback
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from simemb.service.bodies import read_body
from simemb.service.limits import Ticket
from simemb.service.refusals import DEFECT, STOPPING, Refusal
from simemb.service.state import Service
from simemb.service.validation import Schema

log = logging.getLogger("simemb")


@dataclass(frozen=True)
class Call:
    """A request for an operation: the request itself, its body in the shape of the schema, and what it holds."""

    service: Service
    request: Request
    body: Any
    ticket: Ticket | None

    def hold(self, texts: Sequence[Any]) -> None:
        """Count texts among those in memory. Raises `Refusal` (429) if there would be too many."""
        if self.ticket is not None:
            self.ticket.hold(texts=len(texts))


@dataclass(frozen=True)
class Operation:
    """A route.

    path: as Starlette has it. summary: one line. answer: gives the response, or raises `Refusal`. takes: the body of a
    POST; None: a GET. gives: the content of status 200, or its media type if it is not JSON. open: no key is needed.
    example: a body, for the reference.
    """

    path: str
    summary: str
    answer: Callable[[Call], Awaitable[Response]]
    takes: Schema | None = None
    gives: Schema | str = field(default_factory=dict)
    open: bool = False
    example: Any = None
    parameters: Mapping[str, Schema] = field(default_factory=dict)

    @property
    def method(self) -> str:
        """POST if it takes a body, otherwise GET."""
        return "GET" if self.takes is None else "POST"

    async def respond(self, service: Service, request: Request) -> Response:
        """The answer to a request, or what the protocol of its path says to a refusal."""
        path = request.url.path
        try:
            return await self._answered(service, request)
        except Refusal as refusal:
            return refused(refusal, path)
        except asyncio.CancelledError:  # the server has waited long enough
            service.cut_off += 1
            return refused(Refusal(STOPPING, "the server stopped before this was computed: ask again"), path)
        except Exception:
            for line in ("a request failed by a defect of simemb:", *traceback.format_exc().splitlines()):
                log.error("%s", line)
            return refused(Refusal(DEFECT, "the server has a defect; its log says more"), path)

    async def _answered(self, service: Service, request: Request) -> Response:
        """What has a body is counted among the requests at once; the health of a busy server is told all the same."""
        if self.takes is None:
            return await self.answer(Call(service, request, None, None))
        ticket = service.admission.enter()
        try:
            body = await read_body(request, self.takes, ticket, service.limits.max_bytes)
            return await self.answer(Call(service, request, body, ticket))
        finally:
            ticket.leave()


def refused(refusal: Refusal, path: str) -> Response:
    """A refusal in the shape of the protocol that the path belongs to."""
    status, content, headers = refusal.shaped(path)
    return JSONResponse(content, status, dict(headers))
