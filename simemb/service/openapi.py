"""The OpenAPI document (version 3.1) of the routes of a server."""

from collections.abc import Sequence
from typing import Any

from simemb import __version__
from simemb.service.operations import Operation
from simemb.service.refusals import OPENAI

ERRORS = {
    "400": "The body is not JSON, or (OpenAI's protocol) not of the form.",
    "401": "The key is missing or wrong.",
    "403": "The host is not allowed without a key.",
    "404": "There is none of this name.",
    "408": "The body did not come in time.",
    "413": "More texts, tokens or bytes than a request may have.",
    "415": "The content type is not application/json.",
    "422": "The body is not of the form.",
    "424": "The model failed.",
    "429": "Too many requests wait: try again.",
    "500": "The model, or the server, failed.",
    "503": "The server is stopping.",
}
"""The statuses of errors, and what they mean."""
OF_ALL = ("401", "403", "429", "500")
"""The errors of a route that takes no body."""
TEXT = {"type": "string"}


def document(operations: Sequence[Operation]) -> dict[str, Any]:
    """The document of some routes."""
    paths = {public_path(operation): {operation.method.lower(): _operation(operation)} for operation in operations}
    return {
        "openapi": "3.1.0",
        "info": {"title": "simemb", "version": __version__, "description": "A sentence encoder behind HTTP."},
        "paths": paths,
        "components": {"securitySchemes": {"key": {"type": "http", "scheme": "bearer"}}},
    }


def public_path(operation: Operation) -> str:
    """The path of a route as OpenAPI writes it."""
    return operation.path.replace(":path", "")


def _operation(operation: Operation) -> dict[str, Any]:
    described: dict[str, Any] = {"summary": operation.summary, "responses": _responses(operation)}
    if operation.parameters:
        described["parameters"] = [
            {"name": name, "in": "path", "required": True, "schema": schema}
            for name, schema in operation.parameters.items()
        ]
    if operation.takes is not None:
        content = {"schema": operation.takes, "example": operation.example}
        described["requestBody"] = {"required": True, "content": {"application/json": content}}
    described["security"] = [{}] if operation.open else [{"key": []}, {}]
    return described


def _responses(operation: Operation) -> dict[str, Any]:
    media = operation.gives if isinstance(operation.gives, str) else "application/json"
    gives = TEXT if isinstance(operation.gives, str) else operation.gives
    error = _error(operation.path)
    possible = {
        status: words
        for status, words in ERRORS.items()
        if operation.takes is not None or status in OF_ALL or (status == "404" and operation.parameters)
    }
    answers = {status: _content(words, error, "application/json") for status, words in possible.items()}
    return {"200": _content("The answer.", gives, media), **answers}


def _content(words: str, schema: Any, media: str) -> dict[str, Any]:
    return {"description": words, "content": {media: {"schema": schema}}}


def _error(path: str) -> dict[str, Any]:
    """The schema of an error in the protocol of a path."""
    if not path.startswith(OPENAI):
        fields: dict[str, Any] = {"error": TEXT, "error_type": TEXT}
        return {"type": "object", "properties": fields, "required": list(fields)}
    perhaps = {"type": ["string", "null"]}
    fields = {"message": TEXT, "type": TEXT, "param": perhaps, "code": perhaps}
    error = {"type": "object", "properties": fields, "required": list(fields)}
    return {"type": "object", "properties": {"error": error}, "required": ["error"]}
