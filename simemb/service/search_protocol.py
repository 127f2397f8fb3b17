"""`POST /search`: the nearest texts of an index, as `simemb search` finds them."""

from typing import Any

from starlette.responses import JSONResponse, Response

from simemb.search.hits import Hit
from simemb.service import schemas
from simemb.service.operations import Call, Operation
from simemb.service.refusals import ABSENT, Refusal
from simemb.service.schemas import NUMBERS, STRING, record
from simemb.service.state import Service, Shelf
from simemb.service.texts import items_of


def operations(service: Service) -> list[Operation]:
    """The route, if the server has an index."""
    if not service.shelves:
        return []
    fields = {"rank": {"type": "integer"}, "id": STRING, "score": {"type": "number"}, "text": STRING}
    fields |= {"metadata": {"type": "object"}}
    result = {"hits": {"type": "array", "items": record(fields, list(fields))}, "place": NUMBERS}
    hits = record(result, ["hits"])
    return [
        Operation(
            "/search",
            "The texts of an index whose vectors have the highest cosine with that of each query.",
            search,
            takes=schemas.search(list(service.shelves)),
            gives=record({"index": STRING, "results": {"type": "array", "items": hits}}, ["index", "results"]),
            example={"query": "Somebody is making music.", "k": 3},
        )
    ]


async def search(call: Call) -> Response:
    """`POST /search`."""
    body, shelf = call.body, shelf_of(call.service, call.body["index"])
    queries = [item for item in items_of(body["query"], call) if isinstance(item, str)]
    vectors = await call.service.query_vectors(shelf, queries)
    found = await call.service.search(shelf, vectors, body["k"], contains=body["contains"], where=body["where"])
    results: list[dict[str, Any]] = [{"hits": list(map(_shown, hits))} for hits in found]
    if body["place"]:
        places = (await call.service.map_of(shelf)).place(vectors).tolist()
        results = [{**result, "place": place} for result, place in zip(results, places, strict=True)]
    return JSONResponse({"index": shelf.name, "results": results})


def _shown(hit: Hit) -> dict[str, Any]:
    return {**vars(hit), "metadata": dict(hit.metadata)}


def shelf_of(service: Service, name: str | None) -> Shelf:
    """The index of a name, or the first. Raises `Refusal`."""
    if name is None:
        return next(iter(service.shelves.values()))
    if name not in service.shelves:
        raise Refusal(ABSENT, f"there is no index {name!r:.60}", "index")
    return service.shelves[name]
