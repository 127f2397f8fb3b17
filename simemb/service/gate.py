"""What every request passes first: the host that it names, the key, and the clock."""

import hmac
from collections.abc import Collection, Mapping
from ipaddress import ip_address
from time import perf_counter
from typing import Any

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from simemb.service.operations import refused
from simemb.service.refusals import HOST, KEY, Refusal
from simemb.service.state import Service

SAFE = {"x-content-type-options": "nosniff", "x-frame-options": "DENY", "referrer-policy": "no-referrer"}
"""Headers of every answer."""


class Gate:
    """An ASGI application in front of another.

    open: paths that need no key. labels: the label of each path in the metrics; all others are "other".
    """

    def __init__(self, app: ASGIApp, *, service: Service, open: Collection[str], labels: Mapping[str, str]):
        self._app = app
        self._service = service
        self._open = open
        self._labels = labels

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Refuse a request, or hand it on; count it in any case."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started, status = perf_counter(), 500

        async def watched(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                MutableHeaders(scope=message).update(SAFE)
            await send(message)

        try:
            self._check(Headers(scope=scope), scope["path"])
            await self._app(scope, receive, watched)
        except Refusal as refusal:
            await refused(refusal, scope["path"])(scope, receive, watched)
        finally:
            self._count(scope, status, perf_counter() - started)

    def _check(self, headers: Headers, path: str) -> None:
        """Raise `Refusal` for a wrong key or, where there is none, for a host that is not ours."""
        key = self._service.key
        if not key:
            host = headers.get("host", "")
            if not is_local_name(host, self._service.hosts):
                raise Refusal(HOST, f"the host {host!r:.80} is not allowed without a key: see --allow-hosts")
        elif path not in self._open and not _same(_bearer(headers), key):
            raise Refusal(KEY, "the API key is missing or wrong: send it as Authorization: Bearer KEY")

    def _count(self, scope: Mapping[str, Any], status: int, seconds: float) -> None:
        route = ("route", self._labels.get(scope["path"], "other"))
        self._service.metrics.count("simemb_requests_total", labels=(route, ("status", str(status))))
        self._service.metrics.observe("simemb_request_seconds", seconds, (route,))


def _bearer(headers: Headers) -> str:
    scheme, _, given = headers.get("authorization", "").partition(" ")
    return given.strip() if scheme.lower() == "bearer" else ""


def _same(given: str, key: str) -> bool:
    """Whether two keys are equal; the time that this takes does not tell how much of them is."""
    return hmac.compare_digest(given.encode(), key.encode())


def is_local_name(host: str, allowed: Collection[str]) -> bool:
    """Whether a Host header is an address, localhost or a name that is allowed.

    A page of another site can make a browser call this machine by that site's own name, and then read the answer (DNS
    rebinding); it cannot do so by an address.

    >>> [is_local_name(host, ["box"]) for host in ("127.0.0.1:80", "[::1]:80", "localhost", "box:80", "evil.example")]
    [True, True, True, True, False]
    """
    name = host.rsplit(":", 1)[0] if host.rpartition(":")[2].isdecimal() else host
    name = name.lower().strip("[]")
    if name in ("", "localhost", *(word.lower() for word in allowed)):
        return True
    try:
        return bool(ip_address(name))
    except ValueError:
        return False
