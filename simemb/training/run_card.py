"""What the model card of a run says: how it trained the encoder, and what the hub is told of it."""

import shlex
from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from math import isnan
from typing import Any

from simemb.corpus import sources
from simemb.corpus.language import CHINESE, ENGLISH
from simemb.encoder import card_metadata
from simemb.encoder.model_card import code, plain
from simemb.evaluation.scores import Aggregates, Scores
from simemb.method import citations
from simemb.method.recipe import Recipe
from simemb.training.batches import Seen
from simemb.training.dev_suites import SAMPLES
from simemb.training.run_directory import Settings

CODES = {ENGLISH: "en", CHINESE: "zh"}
"""Languages by their ISO codes. The letters of a text do not say enough to state its language in a card."""


def describe(
    recipe: Recipe,
    settings: Settings,
    step: int,
    scores: Sequence[Scores],
    command: Sequence[str] = (),
    seen: Sequence[Seen] = (),
) -> str:
    """How a checkpoint was trained, its scores on the dev suites, of which the first chose it, and what to cite.

    command: by which the run was started; left out unless it is `simemb train`. seen: how much of each of several data.
    """
    columns = ", ".join(settings.columns)
    lines = [
        f"- base: {code(settings.model)}",
        f"- data: {code(' + '.join(settings.data))}" + (f" ({plain(columns)})" if columns else ""),
        *(f"- seen: {code(one.name)}, {plain(one.amount())}" for one in seen),
        f"- step {step}, seed {settings.seed}",
        *([f"- mind: the data {plain(settings.warning)}"] if settings.warning else []),
        *(line for each in scores for line in _scored(each)),
    ]
    repeats = f"```sh\n{_one_line(command)}\n```\n\n" if list(command[:2]) == ["simemb", "train"] else ""
    bibtex = citations.of(recipe)
    cited = f"\n## Citation\n\nThe method:\n\n```bibtex\n{bibtex}\n```\n" if bibtex else ""
    told = "\n".join(lines)
    return f"\n## Training\n\n{told}\n\n{repeats}```python\n{recipe!r}\n```\n{cited}"


def metadata(settings: Settings, language: str, scores: Sequence[Scores], base: Mapping[str, Any]) -> dict[str, Any]:
    """What the hub is told: fields of `huggingface_hub.ModelCardData`; what is not known is left out.

    language: of the data, for the widget. base: what the card of the base says (`card_metadata.known`).
    """
    hubs = [sources.get(name).hub for name in settings.data if name in sources.corpora()]
    own = {"language": "en"} if set(settings.data) <= set(SAMPLES) else {}
    about: dict[str, Any] = {**own, **base}
    if card_metadata.is_hub_name(settings.model):
        about["base_model"] = settings.model
    if datasets := sorted({hub.repo for hub in hubs if hub}):
        about["datasets"] = datasets
    if texts := card_metadata.widget(CODES.get(language, "")):
        about["widget"] = texts
    if results := [result for each in scores for result in _results(each)]:
        about |= {"model_name": card_metadata.NAMELESS, "eval_results": results}
    return about


def _results(scores: Scores) -> Iterator[Any]:
    """The correlations of a suite, or its headline, as the hub's leaderboards take them."""
    similar = isinstance(scores.average, Aggregates)
    names = ("pearson", "spearman") if similar else (scores.headline,)
    averages = scores.averages()
    for name in names:
        if name in card_metadata.TASKS and name in averages and not isnan(averages[name]):
            yield card_metadata.result(scores.suite, name, averages[name])


def _one_line(command: Sequence[str]) -> str:
    """A command without its output: where a run lies is no part of it."""
    kept = [word for before, word in pairwise(["", *command]) if "--output" not in (before, word.partition("=")[0])]
    return shlex.join(kept).replace("```", "` ` `").replace("\n", " ")


def _scored(scores: Scores) -> Iterator[str]:
    main = {name: value for name, value in scores.averages().items() if "." not in name}
    numbers = ", ".join(
        f"{name} {'does not exist' if isnan(value) else f'{value:z.2f}'}" for name, value in main.items()
    )
    yield f"- {plain(scores.suite)}: {numbers}"
    if geometry := scores.geometry:
        yield (
            f"- alignment {geometry.alignment:z.4f}, uniformity {geometry.uniformity:z.4f}, effective rank "
            f"{geometry.effective_rank:.1f} ({plain(geometry.task)})"
        )
