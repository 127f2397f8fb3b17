"""What an output holds, as plain values: equal for two runs of one command, and different for two commands.

Random names, dates and durations are left out. A reader raises whatever it meets in an output that is not whole.
"""

import hashlib
import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

VOLATILE = {"date", "seconds", "sentences_per_second", "command", "best_seconds"}
RANDOM = re.compile(r"[0-9a-f]{32}")


def tree(path: Path) -> dict[str, str]:
    """Every file of a file or folder, by its name in it; temporary ones are left out."""
    if path.is_file():
        return {"": value(path)}
    files = (file for file in path.rglob("*") if file.is_file() and not is_temporary(file.relative_to(path)))
    return {str(file.relative_to(path)): value(file) for file in files}


def is_temporary(path: Path) -> bool:
    """Whether a path is below a name that simemb gives to what is not finished, or to a lock."""
    from simemb.files import is_temporary

    return any(is_temporary(part) for part in (path, *path.parents))


def value(file: Path) -> str:
    """The content of a file without what differs between two runs."""
    content = file.read_bytes()
    if file.suffix in (".json", ".jsonl"):
        lines = content.decode().splitlines() if file.suffix == ".jsonl" else [content.decode()]
        return RANDOM.sub("#", json.dumps([_constant(json.loads(line)) for line in lines], sort_keys=True))
    if file.suffix == ".safetensors":
        content = _tensors(content)
    if file.suffix in (".md", ".html"):
        content = re.sub(
            rb"[\d.,]+ (s|min|sentences/s|sentences per second|seconds)\b|20\d\d-\d\d-\d\d[ T\d:]*", b"#", content
        )
    return hashlib.sha256(content).hexdigest()


def _tensors(content: bytes) -> bytes:
    """A safetensors file without the durations in its header; raises `ValueError` for one that is cut short."""
    length = int.from_bytes(content[:8], "little")
    header = json.loads(content[8 : 8 + length])
    metadata = header.pop("__metadata__", {})
    progress = _constant(json.loads(metadata["progress"])) if "progress" in metadata else {}
    end = max((tensor["data_offsets"][1] for tensor in header.values()), default=0)
    if len(content) != 8 + length + end:
        raise ValueError("a file of tensors is cut short")
    return json.dumps([header, progress], sort_keys=True).encode() + content[8 + length :]


def _constant(content: Any) -> Any:
    if isinstance(content, dict):
        return {name: _constant(part) for name, part in content.items() if name not in VOLATILE}
    return [_constant(part) for part in content] if isinstance(content, list) else content


# ---- by the kind of the output -------------------------------------------------------------------------


def index(path: Path) -> Mapping[str, str]:
    """The files that the description of an index names, with their checksums looked at; others do not belong to it."""
    from simemb.search.index import Index

    read = Index.load(path)
    texts = [[segment.row(row) for row in range(segment.count)] for segment in read.segments]
    manifest = json.loads((path / "index.json").read_text())
    sums = [[piece["sha256"] for piece in part.values() if isinstance(piece, dict)] for part in manifest["parts"]]
    return {"texts": str(texts), "files": str(sums), "index.json": value(path / "index.json")}


def shards(path: Path) -> Mapping[str, str]:
    """The shards of a folder and their plan; the time at which the texts were written is left out."""
    content = tree(path)
    plan = json.loads((path / "plan.json").read_text())
    content["plan.json"] = json.dumps({**plan, "parts": [{**part, "modified": 0} for part in plan["parts"]]})
    return content


def some_shards(path: Path) -> str | None:
    """What is wrong with a folder of which not all shards are written: every file that is there is whole."""
    from simemb.encoder.shard_plan import read_header, read_record, shards_in

    read_record(path)
    for file, _, _ in shards_in(path):
        read_header(file)
    return None


def table(path: Path) -> Mapping[str, str]:
    """The rows of a table of LanceDB."""
    import lancedb

    opened = lancedb.connect(path.parent).open_table(path.stem)
    return {"rows": str(opened.to_arrow().to_pylist()), "schema": str(opened.schema.metadata)}


def run(path: Path) -> Mapping[str, str]:
    """The files of a run, with the scores that `simemb eval` put beside it left out."""
    return {name: content for name, content in tree(path).items() if not name.startswith("scores")}


def runs(path: Path) -> Mapping[str, str]:
    """The files of a folder of seeds."""
    return tree(path)


def scored(path: Path) -> Mapping[str, str]:
    """What `simemb eval` must not change in a run, and whether what it adds can be read."""
    content = dict(tree(path))
    card = (path / "best" / "README.md").read_text()
    content["best/README.md"] = str(re.sub(r"\s*<!-- scores.*?end of scores -->\s*", "", card, flags=re.DOTALL).strip())
    for name in [name for name in content if name.startswith("scores")]:
        del content[name]
    return content


def begun(path: Path) -> str | None:
    """What is wrong with a run that is not at its end: a record, and with a checkpoint an encoder that loads."""
    from safetensors import safe_open

    from simemb.encoder.encoder import Encoder
    from simemb.training.run_record import is_record

    if not (path / "recipe.json").exists():
        return f"holds {sorted(tree(path))} and no record" if tree(path) else None
    if not is_record(path / "recipe.json"):
        return "its record cannot be read"
    state = path / "last" / "state.safetensors"
    if state.exists():
        with safe_open(state, framework="pt") as file:
            assert "progress" in file.metadata()
        if not (path / "best").exists():
            return "a checkpoint and no encoder"
    if (path / "best").exists():
        Encoder.load(path)
    return None


def all_begun(path: Path) -> str | None:
    """`begun` for every run of a folder of seeds."""
    return next(filter(None, map(begun, path.glob("seed-*"))), None)
