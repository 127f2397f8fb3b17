"""A service on a socket, until a signal asks it to stop: then what was asked before is answered."""

import logging
import signal
import socket
import sys
import threading
from collections.abc import Callable, Generator
from contextlib import contextmanager
from typing import Any

import uvicorn

from simemb.errors import ServiceError
from simemb.service.application import application
from simemb.service.state import Service

GRACE = 30
"""Seconds that requests in flight have to end after a signal."""
IDLE = 65
"""Seconds that a connection stays open without a request: more than the minute of most proxies and clients."""
BACKLOG = 2048
SWITCH = 0.0005
"""Seconds after which Python lets another thread run: the thread that computes and the one that answers wait less."""


def bound(host: str, port: int) -> socket.socket:
    """A socket on an address, which nobody can connect to yet. Raises `ServiceError` if it cannot be had."""
    try:
        places = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
        family, kind, _, _, address = places[0]
        found = socket.socket(family, kind)
        try:
            found.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            found.bind(address)
        except BaseException:
            found.close()
            raise
    except (OSError, UnicodeError) as error:
        reason = getattr(error, "strerror", None) or error
        raise ServiceError(f"--host {host} --port {port} cannot be used: {reason}") from error
    return found


def url_of(bound_socket: socket.socket) -> str:
    """The address of a socket as a browser takes it."""
    host, port = bound_socket.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


class Server(uvicorn.Server):
    """uvicorn's server of a service; it ends as other work does when it was asked to stop, and not by the signal.

    started: called once clients can connect. A program stops it by `should_exit = True`.
    """

    def __init__(self, service: Service, *, started: Callable[[], None]):
        settings: dict[str, Any] = {"log_config": None, "access_log": False, "server_header": False, "ws": "none"}
        config = uvicorn.Config(
            application(service),
            lifespan="on",
            backlog=BACKLOG,
            timeout_keep_alive=IDLE,
            timeout_graceful_shutdown=GRACE,
            limit_concurrency=2 * service.limits.max_requests + 1000,
            **settings,
        )
        super().__init__(config)
        self._say_started = started

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Listen, then say so."""
        await super().startup(sockets)
        if self.started:
            self._say_started()

    @contextmanager
    def capture_signals(self) -> Generator[None, None, None]:
        """Signals begin the stop while the server runs, and are as before afterwards."""
        numbers = [getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)]
        if threading.current_thread() is not threading.main_thread():
            numbers = []
        taken = [number for number in numbers if signal.getsignal(number) != signal.SIG_IGN]
        before = {number: signal.signal(number, self.handle_exit) for number in taken}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)


def serve(service: Service, listener: socket.socket, *, started: Callable[[], None]) -> None:
    """Answer requests until SIGINT, SIGTERM or SIGHUP; a second Ctrl-C does not wait for those in flight.

    started: called once clients can connect.
    """
    sys.setswitchinterval(SWITCH)
    _use_our_log()
    Server(service, started=started).run(sockets=[listener])


def _use_our_log() -> None:
    """Failures inside uvicorn are shown as our own words are; what clients do wrong is not shown."""
    theirs = logging.getLogger("uvicorn")
    theirs.handlers = list(logging.getLogger("simemb").handlers)
    theirs.propagate = not theirs.handlers
    theirs.setLevel(logging.ERROR)
