"""The model card: what an encoder is, how to use it and, if known, how it was trained and scored."""

import json
import re

from simemb.encoder import serving
from simemb.encoder.parts import Parts
from simemb.streams import one_line

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
{_served(parts)}{_prompts(parts)}{training}"""


def _served(parts: Parts) -> str:
    reason = serving.unserved(parts)
    return f"text-embeddings-inference cannot serve it ({reason}) and refuses it.\n" if reason else ""


def _prompts(parts: Parts) -> str:
    """The section on the prompts of an encoder; empty if it has none."""
    if not any(parts.prompts.values()):
        return ""
    shown = [
        f"- {code(name)}: {code(json.dumps(text, ensure_ascii=False)) if text else 'nothing'}"
        for name, text in parts.prompts.items()
    ]
    default = f", `encode(texts)` the one called {code(parts.default_prompt)}" if parts.default_prompt else ""
    left_out = "" if parts.include_prompt else " Their tokens are not pooled."
    return f"""
## Prompts

Texts that are put before others, by name:

{chr(10).join(shown)}

`encode_query(texts)` puts that of queries before each text, `encode_document(texts)` that of documents{default};
`encode(texts, prompt_name="...")` puts any.{left_out}
"""


def _sizes(parts: Parts) -> str:
    return f", trained to be cut to {', '.join(map(str, parts.sizes))} too (`truncate_dim`)" if parts.sizes else ""


def code(text: str) -> str:
    """A name of others as a code span, which ends where the name does.

    >>> code("runs/first"), code("a`b")
    ('`runs/first`', '`` a`b ``')
    """
    shown = one_line(text)
    if "`" not in shown:
        return f"`{shown}`"
    fence = "`" * (1 + max(map(len, re.findall("`+", shown))))
    return f"{fence} {shown} {fence}"


def plain(text: str) -> str:
    r"""Words of others as words: no link, no element, no code and no cell of a table begins in them.

    >>> print(plain("sentence1 <b>"), plain("a|b"))
    sentence1 \<b\> a\|b
    """
    return re.sub(r"([\\`*\[\]<>|&])", r"\\\1", one_line(text))
