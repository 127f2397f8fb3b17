"""The state of a run in one file: exact, whole or not there, and refused if it is damaged or another's."""

import os
import resource
import signal
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file
from torch import nn

from simemb.errors import TrainingError
from simemb.training import checkpoint
from simemb.training.checkpoint import Progress


class Tied(nn.Module):
    """Two layers that share a weight, and a buffer."""

    def __init__(self, width: int = 3):
        super().__init__()
        self.first = nn.Linear(width, width)
        self.second = nn.Linear(width, width)
        self.second.weight = self.first.weight
        self.register_buffer("seen", torch.zeros(2))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        self.seen += 1
        return self.second(self.first(x)).pow(2).mean()


def trained(steps: int, seed: int = 0, width: int = 3) -> tuple[Tied, torch.optim.Optimizer]:
    torch.manual_seed(seed)
    model = Tied(width)
    optimizer = torch.optim.AdamW(model.parameters(), lr=0.1, fused=True)
    go_on(model, optimizer, 0, steps)
    return model, optimizer


def go_on(model: Tied, optimizer: torch.optim.Optimizer, first: int, last: int) -> None:
    for step in range(first, last):
        torch.manual_seed(step)
        model(torch.randn(4, model.first.in_features)).backward()
        optimizer.step()
        optimizer.zero_grad()


@pytest.mark.parametrize("steps", [0, 1, 5])
def test_a_loaded_state_goes_on_bit_for_bit(steps: int, tmp_path: Path):
    path = tmp_path / "last" / "state.safetensors"
    model, optimizer = trained(steps)
    progress = Progress(step=steps, best=1.25, best_step=2, waiting=1, seconds=3.5, sentences=8, scaler={"scale": 2.0})
    checkpoint.save(path, model, optimizer, progress)
    again, again_optimizer = trained(2, seed=9)
    assert checkpoint.load(path, again, again_optimizer) == progress
    assert again.second.weight is again.first.weight
    for one, its_optimizer in ((model, optimizer), (again, again_optimizer)):
        go_on(one, its_optimizer, steps, steps + 5)
    for name, tensor in model.state_dict().items():
        assert torch.equal(tensor, again.state_dict()[name])


def test_tied_weights_are_stored_once(tmp_path: Path):
    path = tmp_path / "state.safetensors"
    checkpoint.save(path, *trained(1), Progress(step=1))
    names = set(load_file(path))
    assert {"method.first.weight", "method.first.bias", "method.second.bias", "method.seen"} == {
        name for name in names if name.startswith("method.")
    }
    assert {f"optimizer.{n}.{m}" for n in range(3) for m in ("step", "exp_avg", "exp_avg_sq")} <= names


@pytest.mark.parametrize("damage", ["empty", "cut", "noise", "no header", "progress"])
def test_a_damaged_file_is_named_and_leaves_the_model_alone(damage: str, tmp_path: Path):
    path = tmp_path / "state.safetensors"
    model, optimizer = trained(1)
    checkpoint.save(path, model, optimizer, Progress(step=1))
    content = path.read_bytes()
    if damage == "no header":
        from safetensors.torch import save_file

        save_file({"method.first.weight": torch.ones(3, 3)}, path)
    elif damage == "progress":
        path.write_bytes(content.replace(b"best_step", b"west_step"))
    else:
        path.write_bytes({"empty": b"", "cut": content[:-7], "noise": b"x" * 300}[damage])
    before = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    with pytest.raises(TrainingError, match=r"state\.safetensors: the checkpoint is damaged .*--overwrite"):
        checkpoint.load(path, model, optimizer)
    assert all(torch.equal(tensor, before[name]) for name, tensor in model.state_dict().items())


@pytest.mark.parametrize(
    ("there", "instead", "words"),
    [
        (b'step\\": 1', b'step\\": "', "damaged"),
        (b'sentences\\": 0', b'sentences\\": []', "damaged"),
        (b"optimizer.0.exp_avg", b"optimizer.0.exp_avx", "moments of weight 0"),
        (b"optimizer.1.", b"optimizer.9.", "moments of weight 9"),
        (b"optimizer.1.", b"optimizer.x.", "invalid literal"),
    ],
)
def test_a_checkpoint_with_other_names_and_numbers_is_refused(there: bytes, instead: bytes, words: str, tmp_path: Path):
    path = tmp_path / "state.safetensors"
    model, optimizer = trained(1)
    checkpoint.save(path, model, optimizer, Progress(step=1))
    content = path.read_bytes()
    assert there in content
    path.write_bytes(content.replace(there, instead))
    with pytest.raises(TrainingError, match=r"the checkpoint is damaged.*--overwrite") as refusal:
        checkpoint.load(path, model, optimizer)
    assert words in str(refusal.value)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs pipes")
def test_a_pipe_in_the_place_of_a_checkpoint_is_not_waited_for(tmp_path: Path):
    os.mkfifo(tmp_path / "state.safetensors")
    with pytest.raises(TrainingError, match=r"damaged \(it is no regular file\)"):
        checkpoint.load(tmp_path / "state.safetensors", *trained(1))


def test_a_checkpoint_of_another_model_is_refused(tmp_path: Path):
    path = tmp_path / "state.safetensors"
    checkpoint.save(path, *trained(1, width=3), Progress(step=1))
    with pytest.raises(TrainingError, match=r"of another model: first\.weight is of shape \[3, 3\], not \[4, 4\]"):
        checkpoint.load(path, *trained(1, width=4))
    other = nn.Linear(3, 3)
    with pytest.raises(TrainingError, match="of another model: weight is missing"):
        checkpoint.load(path, other, torch.optim.AdamW(other.parameters(), fused=True))


def test_a_write_that_fails_leaves_the_state_before_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    path = tmp_path / "state.safetensors"
    model, optimizer = trained(1)
    checkpoint.save(path, model, optimizer, Progress(step=1))
    before = path.read_bytes()

    def full_disk(self: Path, target: Path) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "replace", full_disk)
    with pytest.raises(TrainingError, match=r"cannot be written: No space left on device"):
        checkpoint.save(path, model, optimizer, Progress(step=2))
    assert path.read_bytes() == before
    assert [file.name for file in tmp_path.iterdir()] == ["state.safetensors"]


def test_a_disk_that_fills_up_while_writing_is_told_in_one_line(tmp_path: Path):
    path = tmp_path / "state.safetensors"
    model, optimizer = trained(1, width=64)
    checkpoint.save(path, model, optimizer, Progress(step=1))
    before = path.read_bytes()
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, limits[1]))
    try:
        with pytest.raises(TrainingError, match=r"state\.safetensors: the checkpoint cannot be written: "):
            checkpoint.save(path, model, optimizer, Progress(step=2))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        signal.signal(signal.SIGXFSZ, handler)
    assert path.read_bytes() == before
    assert [file.name for file in tmp_path.iterdir()] == ["state.safetensors"]
