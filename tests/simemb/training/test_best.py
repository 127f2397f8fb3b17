"""The best checkpoint is read back into the encoder that it is of, and into no other."""

from pathlib import Path

import pytest
import torch
from families import make_encoder

from simemb.errors import TrainingError
from simemb.training.best import restore


def test_an_encoder_gets_the_weights_of_its_checkpoint_and_of_no_other(tmp_path: Path) -> None:
    saved, encoder, other = make_encoder(seed=1), make_encoder(seed=2), make_encoder(seed=2, num_hidden_layers=2)
    saved.save(tmp_path / "best")
    restore(encoder, tmp_path / "best")
    assert all(torch.equal(weight, encoder.state_dict()[name]) for name, weight in saved.state_dict().items())
    with pytest.raises(TrainingError, match="best: damaged, it is no longer the encoder of this run"):
        restore(other, tmp_path / "best")
