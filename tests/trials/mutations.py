"""Seeded mutations of files: of their bytes, of what stands in their place, and of the structure of their format.

Every mutation takes the content and the dice; the same dice give the same content. `mutate` chooses one, and says in a
few words what it did.
"""

import bz2
import gzip
import io
import json
import lzma
import os
import random
import struct
import zlib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

Dice = random.Random
Change = Callable[[bytes, Dice], bytes]
Place = Callable[[Path, Dice], None]

UNREADABLE = (
    AttributeError,
    LookupError,
    ValueError,
    TypeError,
    RecursionError,
    OSError,
    EOFError,
    struct.error,
    zlib.error,
)
"""What mutations of a structure raise where an earlier mutation took it away."""
HUGE = 2 << 20
"""Bytes of what is to be large."""
LARGEST = 4 << 20
"""Bytes of a mutated file at most: a verb that reads more, as texts, works for longer than a case may take."""


def mutate(path: Path, dice: Dice, *, pipes: bool) -> str:
    """Change the file at `path`; returns the names of the mutations.

    pipes: a pipe may take its place; whoever names a pipe on the command line wants it read to its end.
    """
    if dice.random() < 0.02:
        return "nothing"
    if dice.random() < 0.08:
        name = dice.choice([name for name in PLACES if pipes or name != "a pipe"])
        PLACES[name](path, dice)
        return name
    content, names = path.read_bytes(), list[str]()
    for _ in range(dice.choice((1, 1, 1, 2, 4))):
        changes = CHANGES.get(path.suffix, {})
        chosen = changes if changes and dice.random() < 0.65 else BYTES
        names.append(dice.choice(list(chosen)))
        try:
            content = chosen[names[-1]](content, dice)[:LARGEST]
        except UNREADABLE:
            names[-1] += " (of what it no longer is)"
    path.write_bytes(content)
    return ", ".join(names)


# ---- what stands in the place of a file ------------------------------------------------------------


def _gone(path: Path, _: Dice) -> None:
    path.unlink()


def _folder(path: Path, _: Dice) -> None:
    path.unlink()
    path.mkdir()


def _circle(path: Path, _: Dice) -> None:
    path.unlink()
    path.symlink_to(path.name)


def _nowhere(path: Path, _: Dice) -> None:
    path.unlink()
    path.symlink_to("../gone/away")


def _pipe(path: Path, _: Dice) -> None:
    path.unlink()
    os.mkfifo(path)


def _device(path: Path, _: Dice) -> None:
    path.unlink()
    path.symlink_to("/dev/null")


def _forbidden(path: Path, _: Dice) -> None:
    path.chmod(0)


PLACES: Mapping[str, Place] = {
    "gone": _gone,
    "a folder": _folder,
    "a link to itself": _circle,
    "a link to nowhere": _nowhere,
    "a pipe": _pipe,
    "a link to /dev/null": _device,
    "no permission": _forbidden,
}


# ---- bytes -----------------------------------------------------------------------------------------


def _span(content: bytes, dice: Dice, longest: int = 64) -> tuple[int, int]:
    start = dice.randrange(len(content) + 1)
    return start, min(len(content), start + dice.randint(1, longest))


def _flipped(content: bytes, dice: Dice) -> bytes:
    changed = bytearray(content)
    for _ in range(dice.choice((1, 1, 8, 64)) if content else 0):
        changed[dice.randrange(len(changed))] ^= 1 << dice.randrange(8)
    return bytes(changed)


def _cut(content: bytes, dice: Dice) -> bytes:
    return content[: dice.choice((dice.randrange(len(content) + 1), max(0, len(content) - 1), min(7, len(content))))]


def _inserted(content: bytes, dice: Dice) -> bytes:
    start, _ = _span(content, dice)
    return content[:start] + dice.randbytes(dice.randint(1, 40)) + content[start:]


def _deleted(content: bytes, dice: Dice) -> bytes:
    start, end = _span(content, dice)
    return content[:start] + content[end:]


def _doubled(content: bytes, dice: Dice) -> bytes:
    start, end = _span(content, dice, 4096)
    return content[:end] + content[start:end] * dice.choice((1, 1, 30)) + content[end:]


def _zeroed(content: bytes, dice: Dice) -> bytes:
    start, end = _span(content, dice, 512)
    return content[:start] + bytes(end - start) + content[end:]


def _swapped(content: bytes, dice: Dice) -> bytes:
    one, two, three = sorted(dice.randrange(len(content) + 1) for _ in range(3))
    return content[:one] + content[two:three] + content[one:two] + content[three:]


def _number(content: bytes, dice: Dice) -> bytes:
    """A number of 4 or 8 bytes becomes one at the edge of what it may be."""
    width = dice.choice((4, 8))
    start = dice.randrange(max(1, min(len(content) - width, dice.choice((64, len(content) + 1)))))
    number = dice.choice((0, 1, 2, 255, 2**15, 2**31 - 1, 2**31, 2**32 - 1, 2**40, 2**63 - 1, 2**63, 2**64 - 1))
    return content[:start] + (number % 2 ** (8 * width)).to_bytes(width, "little") + content[start + width :]


def _other_encoding(content: bytes, dice: Dice) -> bytes:
    encoding = dice.choice(("utf-16", "utf-16-le", "utf-32", "utf-7", "cp1252", "utf-8-sig"))
    return content.decode("utf-8", "replace").encode(encoding, "replace")


BYTES: Mapping[str, Change] = {
    "bits flipped": _flipped,
    "cut short": _cut,
    "bytes inserted": _inserted,
    "bytes deleted": _deleted,
    "bytes doubled": _doubled,
    "a run of zeros": _zeroed,
    "blocks swapped": _swapped,
    "another number": _number,
    "empty": lambda _, __: b"",
    "noise": lambda _, dice: dice.randbytes(dice.randint(1, 3000)),
    "a byte-order mark": lambda content, dice: b"\xef\xbb\xbf" * dice.choice((1, 2)) + content,
    "another encoding": _other_encoding,
    "CRLF": lambda content, dice: content.replace(b"\n", dice.choice((b"\r\n", b"\r", b"\n\n", b"\x0b"))),
    "NUL": lambda content, dice: content.replace(b" ", b"\0", dice.randint(1, 5)),
    "invalid UTF-8": lambda content, dice: content.replace(b"a", dice.choice((b"\xff", b"\xed\xa0\x80", b"\xc0\x80"))),
}


# ---- JSON ------------------------------------------------------------------------------------------

LITERALS = (
    *("null", "true", "false", "0", "-1", "1", "2", "3", "7", "1.5", "-0.0", "1e308", "1e999", "-1e999", "1e-320"),
    *("NaN", "Infinity", "-Infinity", "1000000", "2147483648", "-2147483649", "9223372036854775808"),
    *("18446744073709551616", "9" * 5000, "-" + "9" * 5000, "[" * 100_000, "[" * 900 + "]" * 900),
    *('{"a":' * 900 + "1" + "}" * 900, '""', '"x"', '"0"', '"1"', '"none"', '"../../etc/passwd"', '"/dev/zero"'),
    *('"\\ud800"', '"\\udc00\\ud800"', '"\\u0000"', '"\\u001b[2J"', '"a\\nb"', '"\\u202e"', '"\U0001f600"'),
    *('"' + "long " * 200_000 + '"', '"' + "x" * 300 + '"', "[]", "[[]]", "[null]", "[1, 2]", '["x"]', '["x", 1]'),
    *("{}", '{"": 1}', '{"a": {"b": []}}', '[{"a": 1}]', "}", "", '"'),
)
"""JSON values of every type and size, and what is none."""
_MARK = "\0literal\0"


def _parents(value: Any) -> list[tuple[Any, Any]]:
    """Every place in a JSON value: its list or object, and its index or key."""
    inner = list(value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ())
    return [place for key, item in inner for place in ((value, key), *_parents(item))]


def _json(change: Callable[[Any, Any, Dice], str | None]) -> Change:
    """A mutation of JSON at one place; what `change` returns is written there as it is."""

    def changed(content: bytes, dice: Dice) -> bytes:
        value = [json.loads(content)]
        places = _parents(value)
        # Of a long list, say of words, each item is as good as any other; what is not in one should not be rarer.
        short = [place for place in places if len(place[0]) < 30]
        parent, key = dice.choice(short if dice.random() < 0.8 else places)
        literal = change(parent, key, dice)
        text = json.dumps(value, ensure_ascii=False, indent=dice.choice((None, 2)))[1:-1].strip()
        if literal is not None:
            text = text.replace(json.dumps(_MARK), literal)
        return text.encode("utf-8", "surrogatepass")

    return changed


def _literal(parent: Any, key: Any, dice: Dice) -> str:
    parent[key] = _MARK
    return dice.choice(LITERALS)


def _missing(parent: Any, key: Any, dice: Dice) -> None:
    del parent[key]


def _renamed(parent: Any, key: Any, dice: Dice) -> None:
    if isinstance(parent, dict):
        parent[dice.choice((f"{key}x", key.upper(), "", "\ud800", "__class__", "self", "x" * 100_000))] = parent.pop(
            key
        )
    else:
        parent.append(parent[key])


def _extra(parent: Any, key: Any, dice: Dice) -> str:
    if isinstance(parent, dict):
        parent[dice.choice(("extra", "path", "format", "type", "name", "kind", "trust_remote_code", "auto_map"))] = (
            _MARK
        )
    else:
        parent.insert(key, _MARK)
    return dice.choice(LITERALS)


def _exchanged(parent: Any, key: Any, dice: Dice) -> None:
    other = dice.choice(list(parent) if isinstance(parent, dict) else range(len(parent)))
    parent[key], parent[other] = parent[other], parent[key]


def _wrapped(parent: Any, key: Any, dice: Dice) -> None:
    value = parent[key]
    parent[key] = dice.choice(([value], {"value": value}, [value] * 3, str(value), [[value]]))


def _scaled(parent: Any, key: Any, dice: Dice) -> None:
    value = parent[key]
    if isinstance(value, bool):
        parent[key] = not value
    elif isinstance(value, int | float):
        parent[key] = dice.choice((-value, value + 1, value - 1, value * 2, value * 10**6, value / 3, float(value)))
    elif isinstance(value, str | list):
        parent[key] = dice.choice((value[:-1], value * 2, value[1:], value[::-1]))
    elif isinstance(value, dict):
        parent[key] = dict(list(value.items())[:-1])


def _key_twice(content: bytes, dice: Dice) -> bytes:
    start = content.index(b"{") + 1
    key = json.dumps(dice.choice(list(json.loads(content)))).encode()
    return content[:start] + key + b": " + dice.choice(LITERALS).encode() + b", " + content[start:]


JSON: Mapping[str, Change] = {
    "another value": _json(_literal),
    "another value again": _json(_literal),
    "a key missing": _json(_missing),
    "a key renamed": _json(_renamed),
    "a key more": _json(_extra),
    "values exchanged": _json(_exchanged),
    "a value wrapped": _json(_wrapped),
    "a value scaled": _json(_scaled),
    "a key twice": _key_twice,
    "only a value": lambda _, dice: dice.choice(LITERALS).encode("utf-8", "surrogatepass"),
}


# ---- lines -----------------------------------------------------------------------------------------


def _line(change: Change) -> Change:
    """A mutation of one line."""

    def changed(content: bytes, dice: Dice) -> bytes:
        lines = content.split(b"\n")
        place = dice.randrange(len(lines))
        lines[place] = change(lines[place], dice)
        return b"\n".join(lines)

    return changed


def _cell(content: bytes, dice: Dice) -> bytes:
    cells = (b"nan", b"inf", b"-1e999", b"", b'"', b'"open', b"x" * 200_000, b"=1+1", b"\x1b[2J", b"\xc3", b"9" * 5000)
    delimiter = b"\t" if b"\t" in content else b","
    parts = content.split(delimiter)
    parts[dice.randrange(len(parts))] = dice.choice(cells)
    return delimiter.join(parts)


LINES: Mapping[str, Change] = {
    "a line missing": _line(lambda _, __: b""),
    "another cell": _line(_cell),
    "another cell again": _line(_cell),
    "a cell more": _line(lambda line, dice: line + dice.choice((b"\t", b",", b'"', b"\tx\ty", b",x"))),
    "a line of another kind": _line(lambda _, dice: dice.choice((b"[1, 2]", b"{}", b"---", b"<html>", b"%PDF-"))),
    "lines doubled": lambda content, dice: content * dice.choice((2, 50)),
    "the first line missing": lambda content, _: content.partition(b"\n")[2],
    "lines in another order": lambda content, dice: b"\n".join(dice.sample(lines := content.split(b"\n"), len(lines))),
    "other delimiters": lambda content, dice: content.translate(bytes.maketrans(b",\t", dice.choice((b"\t,", b";;")))),
    "one long line": lambda content, _: content + b"word " * (HUGE // 5),
}
JSON_LINES = {**LINES, **{f"{name} in a line": _line(change) for name, change in JSON.items()}}


# ---- packed and binary files -----------------------------------------------------------------------


def _unpacked(change: Change) -> Change:
    return lambda content, dice: gzip.compress(change(gzip.decompress(content), dice), 1)


GZIP: Mapping[str, Change] = {
    "a member twice": lambda content, _: content * 2,
    "a member cut, then another": lambda content, dice: _cut(content, dice) + content,
    "bytes after the member": lambda content, dice: content + dice.choice((b"\0" * 9, b"more", b"\x1f\x8b")),
    "packed twice": lambda content, _: gzip.compress(content),
    "not packed": lambda content, _: gzip.decompress(content),
    "packed otherwise": lambda content, dice: dice.choice((bz2, lzma)).compress(gzip.decompress(content)),
    "a bomb": lambda _, dice: gzip.compress(dice.choice((b"a", b"\0", b" ", b"\n")) * HUGE, 1),
    **{f"{name}, packed": _unpacked(change) for name, change in (*BYTES.items(), *LINES.items())},
}


def _header(change: Change, *, fitting: bool = True) -> Change:
    """A mutation of the header of a safetensors file. fitting: the length before it is that of the new one."""

    def changed(content: bytes, dice: Dice) -> bytes:
        (length,) = struct.unpack("<Q", content[:8])
        header = change(content[8 : 8 + length], dice)
        return struct.pack("<Q", len(header) if fitting else length) + header + content[8 + length :]

    return changed


def _field(name: str, *values: Any) -> Change:
    """Another value for one field of a tensor."""

    def changed(content: bytes, dice: Dice) -> bytes:
        header = json.loads(content)
        tensors = [tensor for key, tensor in header.items() if key != "__metadata__"]
        dice.choice(tensors)[name] = dice.choice(values)
        return json.dumps(header).encode()

    return changed


def _body(value: float) -> Change:
    def changed(content: bytes, dice: Dice) -> bytes:
        start = 8 + struct.unpack("<Q", content[:8])[0]
        place = start + 4 * dice.randrange((len(content) - start) // 4)
        return content[:place] + struct.pack("<f", value) + content[place + 4 :]

    return changed


_HUGE_LENGTHS = [struct.pack("<Q", length) for length in (2**20, 2**40, 2**63, 2**64 - 1)]
SAFETENSORS: Mapping[str, Change] = {
    **{f"{name} in the header": _header(change) for name, change in JSON.items()},
    "a header of another length": _header(lambda content, dice: _deleted(content, dice), fitting=False),
    "another type": _header(_field("dtype", "F16", "BF16", "F64", "I64", "I8", "BOOL", "F8_E4M3", "F99", "", None)),
    "another shape": _header(_field("shape", [], [0], [1], [3, 5], [-1], [2**40, 2**40], [2**64], "x", [1.5])),
    "other offsets": _header(_field("data_offsets", [0, 0], [4, 0], [0, 2**63], [-4, 4], [0, 4, 8], [8, 12], None)),
    "a weight that is NaN": _body(float("nan")),
    "a weight that is infinite": _body(float("inf")),
    "a weight that is huge": _body(3e38),
    "a huge header": lambda content, dice: _HUGE_LENGTHS[dice.randrange(4)] + content[8:],
}


def _table(content: bytes, dice: Dice) -> bytes:
    """A table of other columns, as parquet or Arrow, whichever it was."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    columns: list[Any] = [
        pa.array(["a man", None, "a dog"]),
        pa.array([None] * 3),
        pa.array([b"\xff", b"a", b"b"]),
        pa.array([["a"], [], None]),
        pa.array([{"x": 1}, None, {"x": 2}]),
        pa.array(["a", "b", "a"]).dictionary_encode(),
        pa.array([1.5, float("nan"), float("inf")]),
        pa.array([2**62, 1, -1]),
        pa.array([1, 2, 3], pa.timestamp("us", "Mars/Olympus") if dice.random() < 0.5 else pa.duration("s")),
        pa.array(["x" * 100_000] * 3, pa.large_string()),
    ]
    chosen = dice.sample(columns, dice.randint(0, 4))
    names = dice.sample(("text", "anchor", "positive", "score", "id", "label", "", "\x1b[31m"), len(chosen))
    table = pa.Table.from_arrays(chosen, names=names).slice(0, dice.choice((0, 1, 3)))
    sink = io.BytesIO()
    if content.startswith(b"PAR1"):
        pq.write_table(table, sink, compression=dice.choice(("snappy", "zstd", "none")))
    else:
        with pa.ipc.new_file(sink, table.schema) as writer:
            writer.write_table(table)
    return sink.getvalue()


def _footer(content: bytes, dice: Dice) -> bytes:
    """Other bytes in the last tenth, where parquet and Arrow describe themselves."""
    start = len(content) * 9 // 10
    return content[:start] + dice.choice((_flipped, _number, _deleted, _zeroed))(content[start:], dice)


COLUMNS: Mapping[str, Change] = {"other columns": _table, "another footer": _footer, "another footer again": _footer}

CHANGES: Mapping[str, Mapping[str, Change]] = {
    ".json": JSON,
    ".jsonl": JSON_LINES,
    **dict.fromkeys((".txt", ".csv", ".tsv"), LINES),
    ".gz": GZIP,
    ".safetensors": SAFETENSORS,
    **dict.fromkeys((".parquet", ".arrow"), COLUMNS),
}
"""The ending of a file -> the mutations of its format."""
