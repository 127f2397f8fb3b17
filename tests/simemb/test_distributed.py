"""Two processes with gloo: the gradient, and a whole run, are those of one process with the whole batch."""

import json
import os
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file

from simemb import distributed

WORK = """
import json, sys
from dataclasses import replace
import torch
from safetensors.torch import save_file

base, data, triplets, dev, output = sys.argv[1:]
from accelerate import Accelerator
from simemb import distributed, fit
from simemb.directory import load
from simemb.loader import Loader
from simemb.method import Method
from simemb.recipe import find
from simemb.rows import open_rows
from simemb.tokens import token_table

SMALL = dict(batch_size=14, learning_rate=1e-3, eval_every=2, dropout=0.0)

Accelerator()
for name, file in (("simcse", data), ("simcse_sup", triplets)):
    recipe = replace(find(name), **SMALL)
    encoder = load(base, pooling="cls")
    rows = open_rows(file)
    method = Method(recipe, encoder, columns=len(rows.columns), seed=1).train()
    table = token_table(rows, encoder.tokenizer, max_length=32)
    rank, world = distributed.rank(), distributed.world()
    (batch,) = Loader(table, recipe, method.views, seed=1, rank=rank, world=world).step(0)
    loss, watched = method(batch)
    loss.backward()
    gradients = {}
    for parameter_name, parameter in method.named_parameters():
        if world > 1:
            torch.distributed.all_reduce(parameter.grad)
        gradients[parameter_name] = parameter.grad / world
    if world > 1:
        torch.distributed.all_reduce(loss.detach())
    if rank == 0:
        save_file({**gradients, "loss": loss.detach() / world}, f"{output}/{name}-{world}.safetensors")
recipe = replace(find("simcse_sup"), epochs=2, **SMALL)
result = fit(recipe, base, triplets, output=f"{output}/run-{world}", dev=dev, progress=False)
vectors = torch.tensor(result.encoder.encode(["the red dog eats a ball", "a cat"]))
save_file({"vectors": vectors, "steps": torch.tensor(result.steps)}, f"{output}/result-{world}-{rank}.safetensors")
if world > 1:
    torch.distributed.destroy_process_group()
"""


def start(folder: Path, arguments: list[str], world: int) -> list[subprocess.Popen[bytes]]:
    script = folder / "work.py"
    script.write_text(WORK)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    own = {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port), "WORLD_SIZE": str(world), "OMP_NUM_THREADS": "1"}
    own |= {"ACCELERATE_USE_CPU": "true", "SIMEMB_CACHE": str(folder / "cache")}
    return [
        subprocess.Popen(
            [sys.executable, str(script), *arguments, str(folder)],
            env={**os.environ, **(own | {"RANK": str(rank), "LOCAL_RANK": str(rank)} if world > 1 else {})},
            stderr=subprocess.PIPE,
        )
        for rank in range(world)
    ]


@pytest.fixture(scope="module")
def folder(
    tmp_path_factory: pytest.TempPathFactory, tiny_base: Path, sentences_file: Path, triplets_file: Path, dev_file: Path
) -> Any:
    """What two processes, and one, wrote."""
    folder = tmp_path_factory.mktemp("two")
    arguments = [str(path) for path in (tiny_base, sentences_file, triplets_file, dev_file)]
    processes = [process for world in (2, 1) for process in start(folder, arguments, world)]
    try:
        errors = [process.communicate(timeout=200)[1].decode() for process in processes]
    finally:
        for process in processes:
            process.kill()
    assert [process.returncode for process in processes] == [0, 0, 0], "\n".join(errors)
    return folder


@pytest.mark.parametrize("name", ["simcse", "simcse_sup"])
def test_the_gradient_of_two_processes_is_that_of_one(name: str, folder: Path):
    two, one = (load_file(folder / f"{name}-{world}.safetensors") for world in (2, 1))
    assert two.keys() == one.keys()
    for parameter, gradient in one.items():
        torch.testing.assert_close(two[parameter], gradient, atol=1e-6, rtol=1e-4)


def test_a_run_of_two_processes_ends_where_a_run_of_one_does(folder: Path):
    # 90 examples in batches of 14: the last batch has 6, so every batch can be halved
    results = [load_file(folder / f"result-{name}.safetensors") for name in ("2-0", "2-1", "1-0")]
    assert [int(result["steps"]) for result in results] == [14] * 3
    assert torch.equal(results[0]["vectors"], results[1]["vectors"])
    torch.testing.assert_close(results[0]["vectors"], results[2]["vectors"], atol=2e-3, rtol=0)
    records = [json.loads(line) for line in (folder / "run-2" / "metrics.jsonl").read_text().splitlines()]
    assert [record["step"] for record in records if "dev_spearman" in record] == [0, *range(2, 15, 2)]
    assert {path.name for path in (folder / "run-2").iterdir()} == {path.name for path in (folder / "run-1").iterdir()}


def test_a_single_process_gathers_nothing():
    rows = torch.ones(2, 3)
    assert distributed.gather(rows) is rows
    assert (distributed.rank(), distributed.world()) == (0, 1)
