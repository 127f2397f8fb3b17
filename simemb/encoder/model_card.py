"""The model card: what an encoder is, how it was made, what it scored, how to use it."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from simemb.encoder.encoder import Encoder
    from simemb.evaluation.scores import Scores
    from simemb.method.recipe import Recipe
    from simemb.training.run_directory import Settings

HEADER = """---
library_name: sentence-transformers
pipeline_tag: sentence-similarity
tags: [sentence-transformers, simemb, sentence-similarity, feature-extraction]
---
"""


def card(encoder: "Encoder", training: str = "") -> str:
    """The card of an encoder; `training`: how it was made (see `describe`), if it is known."""
    return f"""{HEADER}
# A sentence encoder made with simemb

Vectors of {encoder.dim} dimensions{_sizes(encoder)}, pooling `{encoder.pooling}`, texts up to \
{encoder.max_length} tokens.

```python
from simemb import Encoder

vectors = Encoder.load("PATH/OF/THIS/DIRECTORY").encode(["A man plays a guitar."])
```

It is a sentence-transformers directory too: `SentenceTransformer("PATH/OF/THIS/DIRECTORY")` gives the same vectors.
{training}"""


def _sizes(encoder: "Encoder") -> str:
    return f", trained to be cut to {', '.join(map(str, encoder.sizes))} too (`truncate_dim`)" if encoder.sizes else ""


def describe(recipe: "Recipe", settings: "Settings", step: int, scores: "Scores | None") -> str:
    """How a checkpoint was trained, and its score on the dev suite, which chose it."""
    lines = [
        f"- base: `{settings.model}`",
        f"- data: `{settings.data}` ({', '.join(settings.columns)})",
        f"- step {step}, seed {settings.seed}",
        *([f"- mind: the data {settings.warning}"] if settings.warning else []),
    ]
    if scores is not None:
        geometry = scores.geometry
        main = {name: value for name, value in scores.averages().items() if "." not in name}
        numbers = ", ".join(f"{name} {value:.2f}" for name, value in main.items())
        lines.append(f"- {scores.suite}: {numbers}")
        if geometry is not None:
            lines.append(
                f"- alignment {geometry.alignment:.4f}, uniformity {geometry.uniformity:.4f}, effective rank "
                f"{geometry.effective_rank:.1f} ({geometry.task})"
            )
    return "\n## Training\n\n" + "\n".join(lines) + f"\n\n```python\n{recipe!r}\n```\n"
