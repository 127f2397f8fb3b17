"""The model card: what an encoder is, how it was made, what it scored, how to use it."""

from simemb.encoder.parts import Parts

HEADER = """---
library_name: sentence-transformers
pipeline_tag: sentence-similarity
tags: [sentence-transformers, simemb, sentence-similarity, feature-extraction]
---
"""


def card(parts: Parts, training: str = "") -> str:
    """The card of an encoder; `training`: how it was made (see `simemb.training.run_card`), if that is known."""
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
