"""The server as an ASGI application, for `simemb serve` and for any other server of ASGI."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from functools import partial
from typing import Any

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from simemb.service import openai_protocol, pages, reference, search_protocol, tei_protocol
from simemb.service.gate import Gate
from simemb.service.operations import Operation, refused
from simemb.service.refusals import ABSENT, METHOD, SYNTAX, Refusal
from simemb.service.state import Service


def application(service: Service) -> Starlette:
    """All routes of a service; its threads end with the lifespan of the application.

    >>> from simemb import Encoder
    >>> app = application(Service(Encoder.load(), name="mini"))
    >>> [route.path for route in app.routes][:2]
    ['/v1/embeddings', '/v1/models']
    """
    modules = (openai_protocol, tei_protocol, search_protocol, pages)
    operations = [operation for module in modules for operation in module.operations(service)]
    operations += reference.operations(operations)

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncGenerator[None]:
        yield
        service.close()

    labels = {operation.path: operation.path for operation in operations}
    open_paths = {operation.path for operation in operations if operation.open}
    return Starlette(
        routes=[_route(operation, service) for operation in operations],
        middleware=[Middleware(Gate, service=service, open=open_paths, labels=labels)],
        exception_handlers={HTTPException: _not_found},
        lifespan=lifespan,
    )


def _route(operation: Operation, service: Service) -> Route:
    return Route(operation.path, partial(_endpoint, operation, service), methods=[operation.method])


async def _endpoint(operation: Operation, service: Service, request: Request) -> Response:
    return await operation.respond(service, request)


async def _not_found(request: Request, error: Any) -> Response:
    """What Starlette refuses by itself, in the shape of the protocol."""
    path = request.url.path
    if error.status_code == ABSENT.other:
        return refused(Refusal(ABSENT, f"there is no {path!r:.100} here: /docs shows what there is"), path)
    if error.status_code == METHOD.other:
        response = refused(Refusal(METHOD, f"{request.method[:20]} is not for {path!r:.100}"), path)
        response.headers.update(error.headers or {})
        return response
    return refused(Refusal(SYNTAX, str(error.detail)), path)
