"""Answer over HTTP: embeddings, similarities, and search over indexes.

simemb serve MODEL [--index DIR ...]
"""

import logging
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import tyro
from tyro.conf import Positional

from simemb import extras
from simemb.commands.inputs import load_finished
from simemb.commands.options import UNPREFIXED, OneDevice
from simemb.commands.parsing import UsageError, parse
from simemb.encoder.precision import Precision
from simemb.service.limits import Limits

if TYPE_CHECKING:
    from simemb.search.index import Index

log = logging.getLogger("simemb")

LOCAL = ("127.0.0.1", "localhost", "::1")
"""Addresses that only this machine can reach."""


@dataclass(frozen=True)
class Serve:
    """Serve an encoder over HTTP, in the protocols of OpenAI and of text-embeddings-inference, until Ctrl-C.

    Routes: /v1/embeddings, /v1/models, /embed, /similarity, /search, /info, /health, /metrics, and pages for people: /
    to search with, and /docs. A key that clients must send comes from $SIMEMB_API_KEY or a file.
    """

    model: Positional[Annotated[str, tyro.conf.arg(metavar="MODEL")]]
    """A run directory, a model directory, a hub name, or `mini`, which ships with simemb."""
    index: tuple[Path, ...] = ()
    """Indexes to search, by `simemb index`; one that was built with another model is searched with its own."""
    host: str = "127.0.0.1"
    """The address to listen on; 0.0.0.0: every one that this machine has."""
    port: int = 8000
    """The port; 0: any that is free."""
    api_key_file: Path | None = None
    """A file with the key that clients must send as `Authorization: Bearer KEY`; otherwise $SIMEMB_API_KEY, if set."""
    allow_hosts: tuple[str, ...] = ()
    """Names besides localhost by which clients may call a server without a key, as that of a proxy."""
    truncate: bool = True
    """Cut texts that are longer than the model takes; otherwise they are refused. A request may say which it wants."""
    limits: Annotated[Limits, UNPREFIXED] = field(default_factory=Limits)
    pooling: str | None = None
    """cls, cls_head, mean, max, first_last or last2; by default that of the model."""
    place: Annotated[OneDevice, UNPREFIXED] = field(default_factory=OneDevice)
    precision: Precision | None = None
    """float32; bf16 or fp16, half precision, where there is one; int8, on a CPU; or auto, half precision where its
    vectors agree. By default float32 on a CPU, and auto on a GPU."""


def run(words: list[str]) -> None:
    """`simemb serve MODEL [--index DIR ...]`."""
    options: Serve = parse(Serve, words, prog="simemb serve", needs=extras.SERVER)
    if options.index:
        extras.need("simemb serve --index", extras.INDEXES)
    if not 0 <= options.port <= 65535:
        raise UsageError(f"--port must be in 0 to 65535, not {options.port}")
    from simemb.service import server
    from simemb.service.keys import VARIABLE, read_key
    from simemb.service.state import Service

    key = read_key(options.api_key_file)
    with server.bound(options.host, options.port) as listener:
        encoder = load_finished(options.model, options.pooling, options.place, options.precision)
        service = Service(
            encoder,
            name=options.model,
            indexes=_indexes(options, encoder),
            limits=options.limits,
            truncate=options.truncate,
            key=key,
            hosts=options.allow_hosts,
        )
        if not key and options.host not in LOCAL:
            log.warning("%s can be reached by others, and there is no key: set $%s", options.host, VARIABLE)
        server.serve(service, listener, started=lambda: _say(service, server.url_of(listener)))
    left = f"{service.cut_off} requests took too long and were not" if service.cut_off else "every request was"
    log.info("stopped: %s answered", left)


def _indexes(options: Serve, encoder: Any) -> Mapping[str, "Index"]:
    """The indexes by their names, each with the encoder that it was built with."""
    from simemb.errors import SearchError
    from simemb.search.index import Index

    found: dict[str, Index] = {}
    for path in options.index:
        name = path.resolve().name
        if name in found:
            raise UsageError(f"--index: two are called {name}: rename one of the directories")
        index = Index.load(path, device=options.place.device)
        try:
            index.encoder = encoder
        except SearchError:  # it was built with another one, which it names
            log.info("%s: searched with its own encoder, %s", path, index.encoder.name)
        found[name] = index
    return found


def _say(service: Any, url: str) -> None:
    count = sum(len(shelf.index) for shelf in service.shelves.values())
    texts = f"; {count} texts to search" if service.shelves else ""
    log.info("%s: %d dimensions%s; Ctrl-C stops", service.engine.name, service.engine.dim, texts)
    log.info("listening on %s (%s/docs says what it takes)", url, url)
