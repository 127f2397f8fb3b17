"""`/openapi.json` and the page `/docs` that shows it: without a script, and without anything from elsewhere."""

import json
from collections.abc import Sequence
from html import escape
from pathlib import Path
from shlex import quote
from typing import Any

from starlette.responses import HTMLResponse, JSONResponse, Response

from simemb import __version__
from simemb.service.openapi import document, public_path
from simemb.service.operations import Call, Operation
from simemb.service.validation import WORDS

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src data:; base-uri 'none'; "
    "form-action 'none'; frame-ancestors 'none'"
)
"""The Content-Security-Policy of the pages: nothing but what this server itself gives."""
FOLDER = Path(__file__).parent / "page"


def operations(others: Sequence[Operation]) -> list[Operation]:
    """The routes of the document, the page and its style."""
    return [
        still("/openapi.json", "The OpenAPI document of this server.", JSONResponse(document(others)), {}),
        still("/docs", "What this server takes and gives.", HTMLResponse(_page(others)), "text/html"),
        file("/style.css", "The style of the pages.", "text/css"),
    ]


def file(path: str, summary: str, media: str, name: str = "") -> Operation:
    """The route of a file of the folder `page`, by default that of the path."""
    content = (FOLDER / (name or path.strip("/"))).read_bytes()
    return still(path, summary, Response(content, media_type=media), media)


def still(path: str, summary: str, response: Response, gives: Any) -> Operation:
    """The route of an answer that is always the same, for which no key is needed."""
    response.headers.update({"content-security-policy": POLICY, "cache-control": "no-cache"})

    async def answer(_: Call) -> Response:
        return response

    return Operation(path, summary, answer, gives=gives, open=True)


def _page(operations: Sequence[Operation]) -> str:
    sections = "\n".join(_section(operation) for operation in operations)
    template = (FOLDER / "docs.html").read_text(encoding="utf-8")
    return template.replace("{{release}}", escape(__version__)).replace("{{sections}}", sections)


def _section(operation: Operation) -> str:
    path = public_path(operation)
    parts = [f"<h2><code>{operation.method} {escape(path)}</code></h2>", f"<p>{escape(operation.summary)}</p>"]
    if operation.takes is not None:
        fields = operation.takes["properties"]
        rows = "".join(_row(name, schema, name in operation.takes["required"]) for name, schema in fields.items())
        head = '<tr><th scope="col" class="text">field</th><th scope="col" class="text">what it is</th></tr>'
        parts.append(f"<table><thead>{head}</thead><tbody>{rows}</tbody></table>")
        body = quote(json.dumps(operation.example, ensure_ascii=False))
        command = f"curl localhost:8000{path} -H 'content-type: application/json' -d {body}"
        parts.append(f'<pre tabindex="0"><code>{escape(command)}</code></pre>')
    return f"<section>{''.join(parts)}</section>"


def _row(name: str, schema: Any, required: bool) -> str:
    words = _words(schema) + ("" if required else f"; by default {json.dumps(schema.get('default'))}")
    return f'<tr><th scope="row"><code>{escape(name)}</code></th><td class="text">{escape(words)}</td></tr>'


def _words(schema: Any) -> str:
    """What a schema allows, in words."""
    if "title" in schema:
        return schema["title"]
    if "enum" in schema:
        return " or ".join(json.dumps(word) for word in schema["enum"] if word is not None)
    if "properties" in schema:
        fields = (f"{name} ({_words(inside)})" for name, inside in schema["properties"].items())
        return f"an object of {', '.join(fields)}"
    kinds = [schema["type"]] if isinstance(schema["type"], str) else schema["type"]
    words = " or ".join(WORDS[kind] for kind in kinds if kind != "null")
    return f"{words} in {schema['minimum']} to {schema['maximum']}" if "maximum" in schema else words
