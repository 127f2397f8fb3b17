"""The body of a request: read within its limits, and from bytes to a value of JSON."""

import asyncio
import json
from typing import Any, NoReturn

from starlette.requests import ClientDisconnect, Request

from simemb.service.limits import Ticket
from simemb.service.refusals import MEDIA, SLOW, SYNTAX, TOO_LARGE, Refusal
from simemb.service.validation import Schema, read

PATIENCE = 30.0
"""Seconds that a client has to send a body."""


async def read_body(request: Request, schema: Schema, ticket: Ticket, most: int) -> Any:
    """What a request says, in the shape of a schema. Raises `Refusal`.

    ticket: holds the bytes of the body. most: bytes that a body may have.
    """
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != "application/json":  # no page of another site can send this without being asked for leave
        raise Refusal(MEDIA, f"the content type must be application/json, not {kind[:60] or 'absent'}")
    try:
        body = await asyncio.wait_for(_bytes(request, ticket, most), PATIENCE)
    except TimeoutError:
        raise Refusal(SLOW, f"the body did not come within {PATIENCE:g} seconds") from None
    except ClientDisconnect:
        raise Refusal(SLOW, "the client has gone") from None
    return read(parse(body), schema)


async def _bytes(request: Request, ticket: Ticket, most: int) -> bytes:
    stated = request.headers.get("content-length", "0")
    _check_size(int(stated) if stated.isascii() and stated.isdecimal() else 0, most)
    body = bytearray()
    async for chunk in request.stream():
        _check_size(len(body) + len(chunk), most)
        ticket.hold(size=len(chunk))
        body += chunk
    return bytes(body)


def _check_size(size: int, most: int) -> None:
    if size > most:
        raise Refusal(TOO_LARGE, f"the body has more than {most} bytes: send fewer texts in a request")


def parse(body: bytes) -> Any:
    """A value of JSON in UTF-8. Raises `Refusal` for anything else, NaN and infinity included."""
    try:
        return json.loads(body.decode(), parse_constant=_no_number)
    except RecursionError:
        raise Refusal(SYNTAX, "the body is nested too deeply") from None
    except ValueError as error:  # JSON, UTF-8, and numbers with thousands of digits
        raise Refusal(SYNTAX, f"the body is not JSON: {error}") from None


def _no_number(word: str) -> NoReturn:
    raise ValueError(f"{word} is no number of JSON")
