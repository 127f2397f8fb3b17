"""Requests as programs with mistakes send them, or people who mean harm: bytes, heads and bodies of every kind.

`request(dice)` draws one as raw bytes; `answered` says what became of it. A server may refuse anything in one line and
may hang up; it may not fail (5xx), hang, or end.
"""

import json
import random
import socket
from collections.abc import Callable
from typing import Any

PATHS = (
    "/v1/embeddings",
    "/embed",
    "/similarity",
    "/search",
    "/info",
    "/health",
    "/",
    "/../x",
    "/v1/models/%00",
    "/\x7f",
)
METHODS = ("POST", "POST", "POST", "POST", "GET", "PUT", "DELETE", "HEAD", "OPTIONS", "PATCH", "TRACE", "FOO", "")
WORDS = ("A man plays a guitar.", "", "\u202e", "\x00", "𝕏" * 50, "<script>", "'; drop table", "a" * 5000, "狗")
NAMES = ("input", "inputs", "query", "model", "dimensions", "encoding_format", "normalize", "truncate", "prompt_name")
NAMES += ("k", "index", "contains", "parameters", "source_sentence", "sentences", "user", "", "__proto__", "input\n")
NUMBERS = (0, 1, -1, 3, 2**31, 2**63, 10**30, 1.5, 1e308, True, False, None, 16000)


def value(dice: random.Random, depth: int = 0) -> Any:
    """Any value of JSON."""
    kind = dice.randrange(8 if depth < 4 else 4)
    if kind < 2:
        return dice.choice(WORDS)
    if kind < 4:
        return dice.choice(NUMBERS)
    if kind < 6:
        return [value(dice, depth + 1) for _ in range(dice.randrange(5))]
    return {dice.choice(NAMES): value(dice, depth + 1) for _ in range(dice.randrange(5))}


def body(dice: random.Random) -> bytes:
    """A body that is nearly right, JSON of another form, damaged, or no JSON at all."""
    near = {name: value(dice, 2) for name in dice.sample(NAMES, 3)} | {dice.choice(NAMES[:3]): dice.choice(WORDS)}
    kinds: list[Callable[[], bytes]] = [
        lambda: json.dumps(near).encode(),
        lambda: json.dumps(value(dice)).encode(),
        lambda: _damaged(json.dumps(near).encode(), dice),
        lambda: dice.randbytes(dice.randrange(200)),
        lambda: b"[" * dice.choice((10, 1000, 100_000)),
        lambda: b'{"inputs": ' + dice.choice((b"NaN", b"Infinity", b"9" * 5000, b"1e999", b'"\\ud83d"', b'"\\')) + b"}",
        lambda: json.dumps(near, ensure_ascii=False).encode("utf-16"),
    ]
    return dice.choice(kinds)()


def _damaged(content: bytes, dice: random.Random) -> bytes:
    place = dice.randrange(len(content))
    return dice.choice((content[:place], content[:place] + dice.randbytes(2) + content[place + 1 :], content * 2))


def request(dice: random.Random) -> bytes:
    """A whole request, whose head may be wrong as well."""
    content = body(dice)
    length = dice.choice((len(content),) * 8 + (len(content) + 9, max(0, len(content) - 3), -1, 10**12, "x"))
    headers = {"host": "localhost", "connection": "close", "content-length": length}
    headers["content-type"] = dice.choice(("application/json",) * 8 + ("text/plain", "", "application/json; charset=x"))
    if dice.random() < 0.1:
        headers[dice.choice(("authorization", "cookie", "x" * 300, "expect", "upgrade", "transfer-encoding"))] = (
            "chunked"
        )
    if dice.random() < 0.05:
        del headers[dice.choice(list(headers))]
    version = dice.choice(("HTTP/1.1",) * 20 + ("HTTP/1.0", "HTTP/9.9", "HTP"))
    lines = [f"{dice.choice(METHODS)} {dice.choice(PATHS)} {version}", *(f"{key}: {of}" for key, of in headers.items())]
    return "\r\n".join(lines).encode("latin-1", "replace") + b"\r\n\r\n" + content


def answered(place: tuple[str, int], content: bytes, *, patience: float = 60) -> str:
    """The status of the answer; "closed" if the server hung up or still waits for what we said would come."""
    with socket.create_connection(place, timeout=patience) as connection:
        try:
            connection.sendall(content)
            connection.shutdown(socket.SHUT_WR)
            answer = b""
            while piece := connection.recv(65536):
                answer += piece
        except (ConnectionError, BrokenPipeError):
            return "closed"
    return answer.split(b" ", 2)[1].decode() if answer.startswith(b"HTTP/1.1 ") else "closed"
