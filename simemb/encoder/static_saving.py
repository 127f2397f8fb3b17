"""Writing a static model as a sentence-transformers directory: a StaticEmbedding, and Normalize."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch

from simemb import extras
from simemb.encoder import saving
from simemb.encoder.card_metadata import front_matter, known
from simemb.encoder.model_card import PLACE, code
from simemb.encoder.static import TOKENIZER, WEIGHTS

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from simemb.encoder.encoder import Encoder

RECORD = "distilled.json"
"""What a static model says of its making: "distillation" (its sizes), and "base", the name and fingerprint of its
teacher."""
FOLDERS = ("0_StaticEmbedding", "1_Normalize")


def plain_tokenizer(tokenizer: Any) -> Any:
    """A copy of the `tokenizers.Tokenizer` of a fast tokenizer of transformers, which neither cuts nor pads texts."""
    from tokenizers import Tokenizer

    copy = Tokenizer.from_str(tokenizer.backend_tokenizer.to_str())
    copy.no_truncation()
    copy.no_padding()
    return copy


def save(
    table: "NDArray[Any]",
    tokenizer: Any,
    path: Path,
    *,
    teacher: "Encoder",
    made: Mapping[str, Any],
    overwrite: bool,
) -> None:
    """Write the model atomically, as `simemb.encoder.saving` writes encoders.

    table: float32 [tokens, dim]. teacher: whose license and languages the card takes over. made: how it was made.
    Raises `ModelError` if the directory exists (without `overwrite`) or cannot be written.
    """
    from safetensors.torch import save_file

    record = {
        "distillation": dict(made),
        "base": {"model": teacher.name, "fingerprint": teacher.fingerprint()},
        "versions": extras.versions(saving.VERSIONED),
    }
    with saving.new_directory(path, overwrite=overwrite) as folder:
        for name in FOLDERS:
            (folder / name).mkdir()
        save_file({"embedding.weight": torch.from_numpy(table)}, folder / FOLDERS[0] / WEIGHTS)
        tokenizer.save(str(folder / FOLDERS[0] / TOKENIZER))
        modules = [
            {"idx": index, "name": str(index), "path": name, "type": f"sentence_transformers.models.{name[2:]}"}
            for index, name in enumerate(FOLDERS)
        ]
        for name, content in (
            ("modules.json", modules),
            ("config_sentence_transformers.json", saving.settings()),
            (RECORD, record),
        ):
            (folder / name).write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")
        (folder / "README.md").write_text(_card(teacher, made), encoding="utf-8")


def _card(teacher: "Encoder", made: Mapping[str, Any]) -> str:
    words = f", {made['words']:,} words of the data among them" if made["words"] else ""
    chances = f"the share of a token in {code(made['data'])}" if made["data"] else "by Zipf's law"
    return f"""{front_matter(known(teacher.source) | {"tags": ["static-embeddings"]})}
# A static model made with simemb

Vectors of {made["dim"]} dimensions: the mean of the vectors of a text's tokens. It knows {made["tokens"]:,} of \
them{words}. There is no network, so a CPU is all it needs.

```python
from simemb import Encoder

vectors = Encoder.load("{PLACE}").encode(["A man plays a guitar."])
```

It is a sentence-transformers directory too: `SentenceTransformer("{PLACE}")` gives the same vectors.

## How it was made

- of: {code(teacher.name)}, whose vectors of single tokens it holds
- principal components: {made["dim"]} of {teacher.dim}
- weights: a / (a + p) with a = {made["sif"]:g} and p {chances}
"""
