"""The model card: what an encoder is, how to use it and, if known, how it was trained and scored."""

from simemb.encoder.parts import Parts

HEADER = """---
library_name: sentence-transformers
pipeline_tag: sentence-similarity
tags: [sentence-transformers, simemb, sentence-similarity, feature-extraction]
---
"""


def card(parts: Parts, training: str = "") -> str:
    """The model card as Markdown. training: the section on the training run (see `simemb.training.run_card`)."""
    return f"""{HEADER}
# A sentence encoder made with simemb

Vectors of {parts.dim} dimensions{_sizes(parts)}, pooling `{parts.pooling}`, texts up to \
{parts.max_length} tokens.

```python
from simemb import Encoder

vectors = Encoder.load("PATH/OF/THIS/DIRECTORY").encode(["A man plays a guitar."])
```

It is a sentence-transformers directory too: `SentenceTransformer("PATH/OF/THIS/DIRECTORY")` gives the same vectors.
{training}"""


def _sizes(parts: Parts) -> str:
    return f", trained to be cut to {', '.join(map(str, parts.sizes))} too (`truncate_dim`)" if parts.sizes else ""
