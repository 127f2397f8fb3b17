"""The metadata of a model card, by which the Hugging Face hub finds, shows and compares models.

huggingface_hub writes it. Only what is known is in it: the license and the languages are those that a user states, or
those of the card of the model that training began with.
"""

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from simemb.encoder.names import is_bundled
from simemb.streams import one_line

LONGEST = 65536
"""Characters of a card of others that are looked at."""
NAMELESS = "sentence encoder"
"""The name of a model in its results until it is pushed under one: its files do not depend on where they lie."""
SHOWN = {
    "en": ["A man plays a guitar.", "Somebody makes music.", "A woman cooks dinner.", "The weather is fine."],
    "zh": ["一个男人在弹吉他。", "有人在演奏音乐。", "一个女人在做晚饭。", "今天天气很好。"],
}
"""What the hub's widget compares: the first with each of the others. Nothing of a user's data is shown."""

FORMS = {
    "license": re.compile(r"[\w.\-]{1,60}"),
    "license_name": re.compile(r"[\w.\- ]{1,60}"),
    "license_link": re.compile(r"https://[^\s\"'<>]{1,200}"),
    "language": re.compile(r"[A-Za-z]{2,8}(-[A-Za-z0-9]{1,8})*"),
    "base_model": re.compile(r"[\w.\-]{1,96}(/[\w.\-]{1,96})?"),
}
"""What may be taken over from the card of another model."""


def front_matter(metadata: Mapping[str, Any]) -> str:
    """The block of YAML at the head of a card. metadata: fields of `huggingface_hub.ModelCardData`."""
    from huggingface_hub import ModelCardData

    tags = ["sentence-transformers", "simemb", "sentence-similarity", "feature-extraction", *metadata.get("tags", ())]
    fields: dict[str, Any] = {
        "library_name": "sentence-transformers",
        "pipeline_tag": "sentence-similarity",
        **metadata,
        "tags": tags,
    }
    return f"---\n{ModelCardData(**fields).to_yaml()}\n---\n"


def known(directory: Path | None) -> dict[str, Any]:
    """License, languages and base of the card in a model's directory; what is not plainly said is left out."""
    import yaml

    try:
        text = (directory / "README.md").read_text(encoding="utf-8", errors="replace") if directory else ""
        block = re.match(r"---\n(.*?)\n---\n", text[:LONGEST], re.DOTALL)
        content = yaml.safe_load(block[1]) if block else {}
    except (OSError, ValueError, RecursionError, yaml.YAMLError):
        return {}
    found = content if isinstance(content, dict) else {}
    return {name: value for name in FORMS if (value := _taken(name, found.get(name))) is not None}


TASKS = {
    "pearson": "semantic-similarity",
    "spearman": "semantic-similarity",
    "ndcg@10": "information-retrieval",
    "accuracy": "text-classification",
    "v_measure": "clustering",
}
"""The hub's task of a number in points, by its name; no other is told."""


def result(suite: str, number: str, points: float) -> Any:
    """A score as `model-index` has it: cosine's correlations as sentence-transformers names them, not times 100."""
    from huggingface_hub import EvalResult

    task = TASKS[number]
    is_cosine = task == "semantic-similarity"
    return EvalResult(
        task_type=task,
        task_name=task.replace("-", " ").title(),
        dataset_type=one_line(suite),
        dataset_name=one_line(suite),
        metric_type=f"{number}_cosine" if is_cosine else number,
        metric_name=f"{number.title()} cosine" if is_cosine else number,
        metric_value=round(points / 100, 6),
    )


def with_results(text: str, results: Sequence[Any]) -> str:
    """A card with these results in its metadata, in place of earlier ones of the same suites and numbers.

    Raises `ValueError` for a card whose metadata cannot be read.
    """
    from huggingface_hub import ModelCard
    from yaml import YAMLError

    try:
        card: Any = ModelCard(text, ignore_metadata_errors=True)
    except YAMLError as error:
        raise ValueError(f"its metadata are no YAML ({error})") from error
    new = {(each.dataset_name, each.metric_type) for each in results}
    kept = [each for each in card.data.eval_results or [] if (each.dataset_name, each.metric_type) not in new]
    card.data.eval_results = [*kept, *results]
    card.data.model_name = card.data.model_name or NAMELESS
    return str(card)


def is_hub_name(model: str) -> bool:
    """Whether a model is named as the hub names it, and is neither a folder here nor a model that ships.

    >>> is_hub_name("google-bert/bert-base-uncased"), is_hub_name("runs/first/best"), is_hub_name("./mine")
    (True, False, False)
    """
    if is_bundled(model):  # the hub has other models of these names, or none
        return False
    return bool(re.fullmatch(r"\w[\w.\-]{0,95}(/[\w.\-]{1,96})?", model)) and not Path(model).exists()


def widget(language: str) -> list[dict[str, Any]]:
    """Texts for the hub's widget in a language (by its ISO code), if there are any."""
    source, *others = SHOWN.get(language, [""])
    return [{"source_sentence": source, "sentences": others}] if others else []


def _taken(name: str, value: Any) -> Any:
    if isinstance(value, list) and name == "language":
        codes = [each for each in value if isinstance(each, str) and FORMS[name].fullmatch(each)]
        return codes[:100] or None
    return value if isinstance(value, str) and FORMS[name].fullmatch(value) else None
