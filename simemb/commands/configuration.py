"""`simemb train --config run.yaml`: options from a file, by the names that they have on the command line.

A name is written whole (`objective.temperature: 0.1`) or nested; a list has several values; `recipe` names the recipe,
or holds it whole, as run.yaml of a run does. Nothing in the file is run: values are text, as words of a command are.
"""

import re
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from simemb import files
from simemb.arguments import home
from simemb.commands.options import Option, check_value
from simemb.commands.parsing import UsageError, nearest

if TYPE_CHECKING:
    from simemb.method.recipe import Recipe

CONFIG = "--config"
DEEPEST = 20
"""Levels of a file; the deepest of ours, a recipe with a guided objective, has six."""
TRUTH = {**dict.fromkeys(("true", "yes", "on"), True), **dict.fromkeys(("false", "no", "off"), False)}


class _Loader(yaml.SafeLoader):
    """YAML 1.1, with 1e-4 for a number."""


_Loader.add_implicit_resolver(
    "tag:yaml.org,2002:float", re.compile(r"[-+]?[0-9]+[eE][-+]?[0-9]+$"), list("-+0123456789")
)


@dataclass(frozen=True)
class Entry:
    """An option with its values, as words, and where it stands."""

    name: str
    values: tuple[str, ...]
    line: int


@dataclass(frozen=True)
class Configuration:
    """What a file says. recipe: the name of one, or one that stands in it; None without. entries: the options."""

    path: Path
    recipe: "str | Recipe | None"
    entries: tuple[Entry, ...]

    def take(self, name: str) -> str | None:
        """The single value of an option, by its name."""
        return next((entry.values[0] for entry in self.entries if entry.name == name and len(entry.values) == 1), None)

    def words(self, options: Sequence[Option], typed: Collection[str]) -> list[str]:
        """The words of a command for the entries, without those of options that are typed too.

        Raises `UsageError`, with file and line, for an option that does not exist or does not take its value.
        """
        named = {spelling: option for option in options for spelling in option.spellings if spelling != CONFIG}
        words: list[str] = []
        for entry in self.entries:
            option = named.get(f"--{entry.name}")
            if option is None:
                near = [name.lstrip("-") for name in nearest(f"--{entry.name}", named)]
                hint = f": did you mean {' or '.join(near)}?" if near else ""
                raise self._error(entry, f"unknown option {entry.name!r}{hint}")
            spoken = self._words(entry, option)
            words += [] if {option.name, *option.others}.intersection(typed) else spoken
        return words

    def _words(self, entry: Entry, option: Option) -> list[str]:
        if option.type is bool and option.values == 0:
            value = TRUTH.get(entry.values[0].lower()) if len(entry.values) == 1 else None
            if value is None:
                raise self._error(entry, f"{entry.name} must be true or false, not {' '.join(entry.values)!r}")
            return [option.name if value == (f"--{entry.name}" == option.name) else option.others[-1]]
        if option.values is not None and len(entry.values) != option.values:
            raise self._error(entry, f"{entry.name} takes {_counted(option.values)}, not {len(entry.values)}")
        for value in entry.values:
            if complaint := check_value(option, value):
                raise self._error(entry, complaint)
        values = [home(value) for value in entry.values]
        return [f"{option.name}={values[0]}"] if len(values) == 1 and option.values == 1 else [option.name, *values]

    def _error(self, entry: Entry, words: str) -> UsageError:
        return UsageError(f"{self.path}, line {entry.line}: {words}")


def split(words: Sequence[str]) -> tuple[list[str], Configuration | None]:
    """The words without `--config FILE`, and what the file says."""
    rest, paths = list[str](), list[str]()
    remaining = iter(words)
    for word in remaining:
        name, equals, value = word.partition("=")
        if name != CONFIG:
            rest.append(word)
            continue
        path = value if equals else next(remaining, "")
        if not path or path.startswith("-"):
            raise UsageError("--config: give a file of options, say run.yaml of a run")
        paths.append(path)
    if len(paths) > 1:
        raise UsageError("--config is given twice: options come from one file")
    return rest, read(Path(home(paths[0]))) if paths else None


def read(path: Path) -> Configuration:
    """The options of a file. Raises `UsageError` for one that cannot be read, in one line, with the place."""
    try:
        files.refuse_special(path)
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise UsageError(f"--config {path}: cannot be read: {error.strerror or error}") from error
    except UnicodeDecodeError as error:
        raise UsageError(f"--config {path}: is not UTF-8") from error
    try:
        _check_events(path, text)
        node = yaml.compose(text, _Loader)
        recipe = _recipe(path, node)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        place = f"{path}, line {mark.line + 1}" if mark else str(path)
        raise UsageError(f"{place}: cannot be read as YAML: {getattr(error, 'problem', None) or error}") from error
    if node is not None and not isinstance(node, yaml.MappingNode):
        raise UsageError(f"{path}: must hold options by name, a line each: `seed: 1`")
    entries = () if node is None else tuple(_entries(path, node, ""))
    return Configuration(path, recipe, entries)


def _check_events(path: Path, text: str) -> None:
    """Refuse what could make a small file a large one, before anything is made of it."""
    depth = 0
    for event in yaml.parse(text, _Loader):
        depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
        place = f"{path}, line {event.start_mark.line + 1}"
        if isinstance(event, yaml.AliasEvent):
            raise UsageError(f"{place}: *{event.anchor} stands for something above: write it out")
        if depth > DEEPEST:
            raise UsageError(f"{place}: is nested more than {DEEPEST} levels deep")


def _recipe(path: Path, node: Any) -> "str | Recipe | None":
    values = [value for key, value in node.value if key.value == "recipe"] if isinstance(node, yaml.MappingNode) else []
    if not values:
        return None
    content = _Loader("").construct_document(values[0])
    if isinstance(content, dict):
        from simemb.method.recipe_files import made_of

        return made_of(content, path)
    if not isinstance(content, str):
        raise UsageError(f"{path}, line {values[0].start_mark.line + 1}: recipe must be a name, or a recipe itself")
    return home(content)


def _entries(path: Path, node: yaml.MappingNode, prefix: str) -> Iterator[Entry]:
    """The options of a mapping and of those in it."""
    seen: set[str] = set()
    for key, value in node.value:
        line = key.start_mark.line + 1
        if not isinstance(key, yaml.ScalarNode):
            raise UsageError(f"{path}, line {line}: the name of an option is text")
        name = prefix + str(key.value).replace("_", "-")
        if name in seen:
            raise UsageError(f"{path}, line {line}: {name} is given twice")
        seen.add(name)
        if name != "recipe":
            yield from _values(path, name, value, line)


def _values(path: Path, name: str, node: Any, line: int) -> Iterator[Entry]:
    if isinstance(node, yaml.MappingNode):
        yield from _entries(path, node, f"{name}.")
    elif isinstance(node, yaml.SequenceNode) and any(isinstance(item, yaml.MappingNode) for item in node.value):
        for place, item in enumerate(node.value):
            yield from _values(path, f"{name}.{place}", item, item.start_mark.line + 1)
    elif isinstance(node, yaml.SequenceNode):
        if not all(isinstance(item, yaml.ScalarNode) for item in node.value):
            raise UsageError(f"{path}, line {line}: {name} is a list in a list; an option takes plain values")
        yield Entry(name, tuple(map(_word, node.value)), line)
    else:
        yield Entry(name, (_word(node),), line)


def _counted(values: int) -> str:
    return "one value" if values == 1 else f"{values} values"


def _word(node: yaml.ScalarNode) -> str:
    """A value as it would be typed: an empty one is None, as `null` is."""
    return "None" if node.tag == "tag:yaml.org,2002:null" else str(node.value)
