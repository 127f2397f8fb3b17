"""Encoders in other processes: a fork computes and does not hang, and what is sent to a fresh process is the same."""

import copy
import os
import pickle
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from families import SENTENCES, make_encoder
from trigrams import Trigrams

from simemb.encoder.encoder import Encoder
from simemb.search.index import Index
from simemb.transformer import int8_layers

COPIES: dict[str, Callable[[Any], Any]] = {
    "pickle": lambda given: pickle.loads(pickle.dumps(given)),
    "copy": copy.copy,
    "deepcopy": copy.deepcopy,
}


def loaded(path: Path, form: str) -> Any:
    encoder = Encoder.load(path, pooling="mean", precision="int8" if form == "int8" else "float32")
    assert isinstance(encoder, Encoder)
    return {"complete": encoder.complete, "training": encoder.train}.get(form, lambda: encoder)()


@pytest.mark.parametrize("how", COPIES)
@pytest.mark.parametrize("form", ["as loaded", "complete", "training", "int8"])
def test_a_copy_of_an_encoder_gives_its_vectors(tiny_base: Path, form: str, how: str) -> None:
    if form == "int8" and (reason := int8_layers.missing()):
        pytest.skip(reason)
    encoder = loaded(tiny_base, form)
    copied = COPIES[how](encoder)
    np.testing.assert_array_equal(copied.encode(SENTENCES), encoder.encode(SENTENCES))
    assert copied.fingerprint() == encoder.fingerprint()
    assert copied.training == encoder.training


@pytest.mark.parametrize("how", COPIES)
def test_a_copy_of_what_sentence_transformers_runs_gives_its_vectors(shared_models: Path, how: str) -> None:
    encoder = Encoder.load(shared_models / "potion-base-4M")
    np.testing.assert_array_equal(COPIES[how](encoder).encode(SENTENCES), encoder.encode(SENTENCES))


@pytest.mark.parametrize("how", COPIES)
def test_a_copy_of_an_index_finds_the_same(tmp_path: Path, how: str) -> None:
    index = Index.build(Trigrams(), SENTENCES, path=tmp_path / "index")
    assert COPIES[how](index).search("a man") == index.search("a man")


def test_a_changed_copy_leaves_the_encoder_alone() -> None:
    encoder = make_encoder()
    before = encoder.encode(SENTENCES)
    changed = copy.deepcopy(encoder)
    for weight in changed.parameters():
        weight.data.zero_()
    np.testing.assert_array_equal(encoder.encode(SENTENCES), before)


WITH_THREADS = """
import multiprocessing, os, sys
import numpy as np
import torch
from simemb import Encoder, Index

TEXTS = [f"the man sees a {thing}" for thing in ("dog", "cat", "red boat")] * 50

class Encoded(torch.utils.data.Dataset):
    def __init__(self, encoder): self.encoder = encoder
    def __len__(self): return 4
    def __getitem__(self, row): return self.encoder.encode(TEXTS[row])

def same(encoder, expected):
    assert np.allclose(encoder.encode(TEXTS), expected, atol=1e-5)

def started(way, target, *args):
    child = multiprocessing.get_context(way).Process(target=target, args=args)
    child.start()
    return child

if __name__ == "__main__":
    encoder = Encoder.load(sys.argv[1], pooling="mean")
    expected = encoder.encode(TEXTS)
    index = Index.build(encoder, [f"{text} {row}" for row, text in enumerate(TEXTS * 20)])
    index.search_batch(TEXTS)
    assert torch.get_num_threads() == 2  # with one nothing could hang
    children = {
        "spawn": started("spawn", same, encoder, expected),
        "fork": started("fork", same, encoder, expected),
        "fork with an index": started("fork", index.search_batch, TEXTS),
    }
    rows = torch.utils.data.DataLoader(Encoded(encoder), num_workers=2, multiprocessing_context="fork")
    assert np.allclose(np.concatenate([batch.numpy() for batch in rows]), expected[:4], atol=1e-5)
    for child in children.values():
        child.join(60)
    print({name: child.exitcode for name, child in children.items()})
    for child in children.values():
        child.kill()
"""


def test_other_processes_encode_after_this_one_did(tiny_base: Path, tmp_path: Path) -> None:
    (tmp_path / "program.py").write_text(WITH_THREADS)
    command = [sys.executable, str(tmp_path / "program.py"), str(tiny_base)]
    environment = os.environ | {"OMP_NUM_THREADS": "2", "TOKENIZERS_PARALLELISM": "true"}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=100, check=False)
    assert done.stdout == "{'spawn': 0, 'fork': 0, 'fork with an index': 0}\n", done.stderr
