"""OpenAI's protocol: `POST /v1/embeddings` and `GET /v1/models` (https://platform.openai.com/docs/api-reference).

Vectors have length 1, as OpenAI's have. A client that names a model which is not served gets the vectors of the only
one, as with text-embeddings-inference, so that changing the address is enough; the answer says whose they are.
"""

import base64
import time
from typing import Any

from starlette.responses import JSONResponse, Response

from simemb.errors import unknown
from simemb.service import schemas
from simemb.service.engine import Engine, finished
from simemb.service.operations import Call, Operation
from simemb.service.refusals import ABSENT, INVALID, Refusal
from simemb.service.schemas import NUMBERS, STRING, record
from simemb.service.state import Service
from simemb.service.texts import headers_of, items_of

INTEGER = {"type": "integer"}
_STARTED = int(time.time())


def operations(service: Service) -> list[Operation]:
    """The routes of the protocol."""
    vector = {"anyOf": [NUMBERS, STRING]}
    fields = {"object": {"enum": ["embedding"]}, "index": INTEGER, "embedding": vector}
    data = {"type": "array", "items": record(fields, list(fields))}
    usage = record({"prompt_tokens": INTEGER, "total_tokens": INTEGER}, ["prompt_tokens", "total_tokens"])
    answer = {"object": {"enum": ["list"]}, "data": data, "model": STRING, "usage": usage}
    fields = {"id": STRING, "object": {"enum": ["model"]}, "created": INTEGER, "owned_by": STRING}
    model = record(fields, list(fields))
    models = {"object": {"enum": ["list"]}, "data": {"type": "array", "items": model}}
    return [
        Operation(
            "/v1/embeddings",
            "Vectors of texts, as OpenAI gives them: of length 1, as numbers or as base64 of float32, little endian.",
            embeddings,
            takes=schemas.embeddings(service.engine, service.limits),
            gives=record(answer, list(answer)),
            example={"input": ["A man plays a guitar."], "model": service.engine.name},
        ),
        Operation("/v1/models", "The models that are served.", models_of, gives=record(models, list(models))),
        Operation("/v1/models/{model:path}", "One of the models.", model_of, gives=model, parameters={"model": STRING}),
    ]


async def embeddings(call: Call) -> Response:
    """`POST /v1/embeddings`."""
    body, engine = call.body, _engine(call.service, call.body["model"])
    items = items_of(body["input"], call)
    if (body["dimensions"] or 1) > engine.dim:
        raise Refusal(INVALID, f"dimensions must be in 1 to {engine.dim}, not {body['dimensions']}", "dimensions")
    job = await engine.compute(items, prompt=engine.prompt(body["prompt_name"]))
    vectors = finished(job.vectors, normalize=True, dimensions=body["dimensions"])
    if body["encoding_format"] == "base64":
        encoded: list[Any] = [base64.b64encode(vector.astype("<f4").tobytes()).decode() for vector in vectors]
    else:
        encoded = vectors.tolist()
    data = [{"object": "embedding", "index": place, "embedding": vector} for place, vector in enumerate(encoded)]
    usage = {"prompt_tokens": job.tokens, "total_tokens": job.tokens}
    content = {"object": "list", "data": data, "model": engine.name, "usage": usage}
    return JSONResponse(content, headers=headers_of(job))


async def models_of(call: Call) -> Response:
    """`GET /v1/models`."""
    return JSONResponse({"object": "list", "data": [_card(engine) for engine in call.service.engines.values()]})


async def model_of(call: Call) -> Response:
    """`GET /v1/models/NAME`."""
    name = call.request.path_params["model"]
    engines = call.service.engines
    if name not in engines:
        raise Refusal(ABSENT, unknown("model", name, engines), "model")
    return JSONResponse(_card(engines[name]))


def _card(engine: Engine) -> dict[str, Any]:
    return {"id": engine.name, "object": "model", "created": _STARTED, "owned_by": "simemb"}


def _engine(service: Service, name: str | None) -> Engine:
    """The engine that a client names; the only one, whatever the name."""
    if name is None or len(service.engines) == 1:
        return service.engine
    if name not in service.engines:
        raise Refusal(ABSENT, unknown("model", name, service.engines), "model")
    return service.engines[name]
