"""The files of a saved model: what else lies in its directory is somebody's, and is never replaced with it."""

import re
from pathlib import Path

from simemb import files

_FILE = re.compile(
    r"(config|config_sentence_transformers|generation_config|modules|sentence_bert_config|whitening|distilled"
    r"|tokenizer|tokenizer_config|special_tokens_map|added_tokens|vocab)\.json"
    r"|model(-\d{5}-of-\d{5})?\.safetensors|model\.safetensors\.index\.json"
    r"|.+\.model|bpe\.codes|.+\.jinja|(vocab|merges)\.txt|README\.md"
)
_FOLDER = re.compile(r"\d+_(WeightedLayerPooling|Pooling|Dense|Normalize|StaticEmbedding)")
_INSIDE = ("config.json", "model.safetensors", "tokenizer.json")


def foreign(directory: Path, records: tuple[str, ...] = ()) -> str | None:
    """The name, from the directory on, of something there that is no part of a model; None if all of it is.

    records: further files that are saved with this model.
    """
    for path in sorted(directory.iterdir()):
        if files.is_temporary(path) or path.name in records:
            continue
        if path.is_dir() and not path.is_symlink() and _FOLDER.fullmatch(path.name):
            inside = [each for each in sorted(path.iterdir()) if each.name not in _INSIDE or each.is_dir()]
            if inside:
                return f"{path.name}/{inside[0].name}"
        elif path.is_dir() or not _FILE.fullmatch(path.name):
            return path.name
    return None
