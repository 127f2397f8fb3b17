"""What is above the limits of a model is refused with the range that is allowed."""

from pathlib import Path

import pytest

from simemb.encoder.encoder import Encoder
from simemb.errors import DataError, ModelError


def test_loading_refuses_more_tokens_or_dimensions_than_the_model_has(tiny_base: Path) -> None:
    encoder = Encoder.load(tiny_base)
    assert isinstance(encoder, Encoder)
    longest, width = encoder.longest, encoder.dim
    with pytest.raises(ModelError, match=f"max_length must be in 1 to {longest} .*, not {longest + 1}"):
        Encoder.load(tiny_base, max_length=longest + 1)
    with pytest.raises(ModelError, match=f"truncate_dim must be in 1 to {width}, not {width + 1}"):
        Encoder.load(tiny_base, truncate_dim=width + 1)
    assert Encoder.load(tiny_base, max_length=longest, truncate_dim=width).dim == width


def test_encoding_refuses_more_dimensions_than_the_vectors_have(tiny_base: Path, tmp_path: Path) -> None:
    encoder = Encoder.load(tiny_base, truncate_dim=8)
    for texts in (["a cat"], []):
        with pytest.raises(DataError, match="truncate_dim must be in 1 to 8, the dimensions of the vectors, not 9"):
            encoder.encode(texts, truncate_dim=9)
    with pytest.raises(DataError, match="truncate_dim must be in 1 to 8"):
        encoder.encode_to_file(["a cat"], tmp_path / "a.npy", truncate_dim=9)
    assert not list(tmp_path.iterdir())
