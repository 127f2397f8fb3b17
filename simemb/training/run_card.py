"""The part of a model card that says how a run trained the encoder."""

from collections.abc import Sequence
from math import isnan

from simemb.encoder.model_card import code, plain
from simemb.evaluation.scores import Scores
from simemb.method.recipe import Recipe
from simemb.training.batches import Seen
from simemb.training.run_directory import Settings


def describe(recipe: Recipe, settings: Settings, step: int, scores: Scores | None, seen: Sequence[Seen] = ()) -> str:
    """How a checkpoint was trained, and its score on the dev suite, which chose it."""
    columns = ", ".join(settings.columns)
    lines = [
        f"- base: {code(settings.model)}",
        f"- data: {code(' + '.join(settings.data))}" + (f" ({plain(columns)})" if columns else ""),
        *(f"- seen: {code(one.name)}, {plain(one.amount())}" for one in seen),
        f"- step {step}, seed {settings.seed}",
        *([f"- mind: the data {plain(settings.warning)}"] if settings.warning else []),
    ]
    if scores is not None:
        geometry = scores.geometry
        main = {name: value for name, value in scores.averages().items() if "." not in name}
        numbers = ", ".join(
            f"{name} {'does not exist' if isnan(value) else f'{value:z.2f}'}" for name, value in main.items()
        )
        lines.append(f"- {plain(scores.suite)}: {numbers}")
        if geometry is not None:
            lines.append(
                f"- alignment {geometry.alignment:z.4f}, uniformity {geometry.uniformity:z.4f}, effective rank "
                f"{geometry.effective_rank:.1f} ({plain(geometry.task)})"
            )
    return "\n## Training\n\n" + "\n".join(lines) + f"\n\n```python\n{recipe!r}\n```\n"
