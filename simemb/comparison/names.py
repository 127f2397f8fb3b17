"""Short names of models that are shown side by side, and lists of names in words."""

from collections.abc import Sequence
from pathlib import Path

from simemb.encoder.names import is_bundled


def labels(models: Sequence[str]) -> list[str]:
    """Short names that differ where the paths do: as many of the last parts of each path as it takes.

    >>> labels(["runs/first", "runs/second/best", "mini"])
    ['first', 'second', 'mini']
    >>> labels(["a/run", "b/run"])
    ['a/run', 'b/run']

    A path is never called by the name of a model that ships:

    >>> labels(["mini", "./mini"]), labels(["runs/mini"])
    (['mini', './mini'], ['runs/mini'])
    """
    distinct = list(dict.fromkeys(models))
    parts = [_parts(model) for model in distinct]
    lengths = [1 if len(part) < 2 or not is_bundled(part[-1]) else 2 for part in parts]
    while True:
        names = ["/".join(part[-length:]) for part, length in zip(parts, lengths, strict=True)]
        doubled = {place for place, name in enumerate(names) if names.count(name) > 1}
        longer = [place for place in doubled if lengths[place] < len(parts[place])]
        if not longer:
            break
        for place in longer:
            lengths[place] += 1
    if doubled:  # "run" and "run/best": only the whole paths differ
        names = [distinct[place] if place in doubled else name for place, name in enumerate(names)]
    return [dict(zip(distinct, names, strict=True))[model] for model in models]


def _parts(model: str) -> list[str]:
    """The parts of a path that may tell it from others."""
    parts = [part for part in Path(model).parts if part != "best"] or [model]
    return [".", *parts] if is_bundled(parts[0]) and not is_bundled(model) else parts


def listed(names: Sequence[str]) -> str:
    """Names in words.

    >>> listed(["a"]), listed(["a", "b"]), listed(["a", "b", "c"])
    ('a', 'a and b', 'a, b and c')
    """
    return " and ".join(filter(None, [", ".join(names[:-1]), *names[-1:]]))
