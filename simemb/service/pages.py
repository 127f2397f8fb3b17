"""The page to search with, `/`, and the map that it draws, `POST /map`."""

from typing import Any

from starlette.responses import JSONResponse, Response

from simemb.service import schemas
from simemb.service.corpus_map import SHOWN
from simemb.service.operations import Call, Operation
from simemb.service.reference import file
from simemb.service.schemas import NUMBERS, STRING, record
from simemb.service.search_protocol import shelf_of
from simemb.service.state import Service


def operations(service: Service) -> list[Operation]:
    """The routes of the page."""
    pages = [
        file("/", "The page to search with.", "text/html", "page.html"),
        file("/page.js", "Its script.", "text/javascript"),
    ]
    if not service.shelves:
        return pages
    number: dict[str, Any] = {"type": "number"}
    point = record({"id": STRING, "text": STRING, "x": number, "y": number}, ["id", "text", "x", "y"])
    fields = {"count": {"type": "integer"}, "model": STRING, "explained": NUMBERS}
    gives = record({**fields, "points": {"type": "array", "items": point}}, [*fields, "points"])
    takes = schemas.corpus_map(list(service.shelves))
    summary = "The texts of an index on the plane on which their vectors vary most; of a large one every n-th."
    return [*pages, Operation("/map", summary, corpus_map, takes=takes, gives=gives, example={})]


async def corpus_map(call: Call) -> Response:
    """`POST /map`."""
    shelf = shelf_of(call.service, call.body["index"])
    found = await call.service.map_of(shelf)
    points = [
        {"id": name, "text": text[:SHOWN], "x": round(float(x), 4), "y": round(float(y), 4)}
        for name, text, (x, y) in zip(found.ids, found.texts, found.places, strict=True)
    ]
    content = {"count": len(shelf.index), "model": shelf.engine.name, "explained": found.explained, "points": points}
    return JSONResponse(content)
