"""JSON by its look, whatever its file is called: objects one a line, an array, or an object over several lines."""

import re
from collections.abc import Sequence

from simemb import json_files

ARRAY = "a JSON array, and one object a line is needed: jq -c '.[]' FILE > FILE.jsonl writes it so"
INDENTED = "JSON over several lines, and one object a line is needed: jq -c . FILE > FILE.jsonl writes it so"
COMMA = "a comma after an object, and a line is an object alone: sed 's/,$//' FILE > FILE.jsonl takes it away"


def are_objects(lines: Sequence[str]) -> bool:
    """Whether there are lines, and each is a JSON object."""
    return bool(lines) and all(map(_is_object, lines))


def fault(lines: Sequence[str]) -> str | None:
    """What is wrong with the first lines of a file that begins like JSON but not with an object a line, and what helps.

    >>> fault(['[{"text": "A dog runs."},'])
    "a JSON array, and one object a line is needed: jq -c '.[]' FILE > FILE.jsonl writes it so"
    """
    found = re.match(r"\s*(\S?)\s*(\S?)", "".join(lines[:3]))
    start = "".join(found.groups()) if found else ""
    first = lines[0].strip() if lines else ""
    if start == "[{":
        return ARRAY
    if start == '{"' and first == "{":
        return INDENTED
    return COMMA if first.endswith("},") and _is_object(first[:-1]) else None


def _is_object(line: str) -> bool:
    if not line.lstrip().startswith("{"):
        return False
    try:
        return isinstance(json_files.parse_json(line), dict)
    except ValueError:
        return False
