"""The protocol of text-embeddings-inference: `/embed`, `/similarity`, `/info`, `/health` and `/metrics`.

The shapes are those of its OpenAPI document (huggingface/text-embeddings-inference, docs/openapi.json), with
`dimensions`, which its router takes too.
"""

import numpy as np
from starlette.responses import JSONResponse, PlainTextResponse, Response

from simemb import __version__
from simemb.encoder import batching
from simemb.service import schemas
from simemb.service.engine import Engine, finished
from simemb.service.operations import Call, Operation
from simemb.service.refusals import STOPPING, Refusal
from simemb.service.schemas import NUMBERS
from simemb.service.state import Service
from simemb.service.texts import headers_of, items_of

EXPOSITION = "text/plain; version=0.0.4; charset=utf-8"
"""The media type of Prometheus' text format."""


def operations(service: Service) -> list[Operation]:
    """The routes of the protocol."""
    limits, engine = service.limits, service.engine
    pair = {"source_sentence": "Somebody is making music.", "sentences": ["A man plays a guitar.", "It rains."]}
    return [
        Operation(
            "/embed",
            "Vectors of texts, a list of numbers for each.",
            embed,
            takes=schemas.embed(engine, limits),
            gives={"type": "array", "items": NUMBERS},
            example={"inputs": ["A man plays a guitar."]},
        ),
        Operation(
            "/similarity",
            "The cosine of one sentence with each of some others.",
            similarity,
            takes=schemas.similarity(engine, limits),
            gives=NUMBERS,
            example={"inputs": pair},
        ),
        Operation("/info", "The model, and the limits of the server.", info, gives={"type": "object"}),
        Operation("/health", "200 while the server computes, 503 otherwise.", health, gives="text/plain", open=True),
        Operation("/metrics", "Counters for Prometheus.", metrics, gives="text/plain"),
    ]


async def embed(call: Call) -> Response:
    """`POST /embed`."""
    body, engine = call.body, call.service.engine
    items = items_of(body["inputs"], call)
    job = await engine.compute(items, prompt=engine.prompt(body["prompt_name"]), truncate=body["truncate"])
    vectors = finished(job.vectors, normalize=body["normalize"], dimensions=body["dimensions"])
    return JSONResponse(vectors.tolist(), headers=headers_of(job))


async def similarity(call: Call) -> Response:
    """`POST /similarity`."""
    pair, how, engine = call.body["inputs"], call.body["parameters"], call.service.engine
    items = items_of([pair["source_sentence"], *pair["sentences"]], call)
    job = await engine.compute(items, prompt=engine.prompt(how.get("prompt_name")), truncate=how.get("truncate"))
    vectors = finished(job.vectors, normalize=True, dimensions=None)
    cosines = np.clip(vectors[1:] @ vectors[0], -1, 1)
    return JSONResponse(cosines.tolist(), headers=headers_of(job))


async def info(call: Call) -> Response:
    """`GET /info`."""
    service = call.service
    engine, limits = service.engine, service.limits
    content = {
        "model_id": engine.name,
        "model_sha": None,
        "model_dtype": _precision(engine),
        "model_type": {"embedding": {"pooling": getattr(engine.encoder, "pooling", "unknown")}},
        "max_concurrent_requests": limits.max_requests,
        "max_input_length": engine.longest,
        "max_batch_tokens": getattr(engine.encoder, "batch_tokens", batching.TOKENS),
        "max_batch_requests": None,
        "max_client_batch_size": limits.max_texts,
        "auto_truncate": engine.truncate,
        "tokenization_workers": 1,
        "version": __version__,
        "sha": None,
        "docker_label": None,
        "dimensions": engine.dim,
        "prompts": dict(engine.encoder.prompts),
        "indexes": {name: len(shelf.index) for name, shelf in service.shelves.items()},
    }
    return JSONResponse(content)


def _precision(engine: Engine) -> str:
    if getattr(engine.encoder, "quantized", None) is not None:
        return "int8"
    return str(engine.encoder.half_type or "float32").removeprefix("torch.")


async def health(call: Call) -> Response:
    """`GET /health`."""
    if not all(engine.batcher.alive for engine in call.service.engines.values()):
        raise Refusal(STOPPING, "nothing is computed any more: start the server again")
    return PlainTextResponse("")


async def metrics(call: Call) -> Response:
    """`GET /metrics`."""
    service = call.service
    waiting = sum(engine.batcher.waiting for engine in service.engines.values())
    gauges = {
        "simemb_requests_in_flight": ("Requests that are being answered.", float(service.admission.requests)),
        "simemb_texts_waiting": ("Texts that wait to be computed.", float(waiting)),
    }
    return Response(service.metrics.text(gauges), media_type=EXPOSITION)
