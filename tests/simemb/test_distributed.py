"""Two processes with gloo: the gradient, and a whole run, are those of one process with the whole batch."""

import json
import os
import re
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file

from simemb import distributed
from simemb.corpus.rows import open_rows

WORK = """
import sys
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path
import torch
from safetensors.torch import save_file

base, data, triplets, dev, output = sys.argv[1:]
from accelerate import Accelerator
from simemb import *
from simemb import distributed
from simemb.method import gradient_cache
from simemb.encoder.encoder import Encoder
from simemb.training.loader import Loader
from simemb.training.dataset import load_training_data
from simemb.method.auxiliaries import masked_lm
from simemb.method.method import Method
from simemb.method.recipe_files import find
from simemb.corpus.rows import open_rows
from simemb.training.examples import open_examples

SMALL = dict(batch_size=14, learning_rate=1e-3, eval_every=2, dropout=0.0)

def every_third(ids, ordinary, *_):
    chosen = ordinary & (ids % 3 == 0)
    return torch.where(chosen, 4, ids), chosen


masked_lm.mask_tokens = every_third  # which tokens are masked is drawn by each process
Accelerator()
rank, world = distributed.rank(), distributed.world()
simcse, esimcse = find("simcse"), find("esimcse")
sup, slow, queue = find("simcse_sup"), EMA(momentum=0.8), Queue(size=40)
several = f"{output}/several.jsonl"
labeled = (View(), View(), View(1, online=False, target=False), View(2, online=False, target=False))
labeled_texts = [(text, text.split()[-1]) for (text,) in open_rows(data).texts()]
CASES = {
    "simcse": (simcse, data),
    "simcse_sup": (sup, triplets),
    "queue_ema": (replace(simcse, target=slow, memory=queue), data),
    "queue_ema_chunk": (replace(simcse, target=slow, memory=queue, chunk=3), data),
    "esimcse": (replace(esimcse, memory=Queue(size=30, view=0)), data),
    "barlow": (replace(simcse, objective=BarlowTwins()), data),
    "vicreg": (replace(simcse, objective=VICReg(), chunk=4), data),
    "uniform": (replace(simcse, objective=AlignUniform()), data),
    "swav": (replace(find("swav"), head=MLP(hidden=9, width=8, prototypes=5)), data),
    "dino": (replace(find("dino"), head=MLP(hidden=9, width=8, prototypes=5)), data),
    "two_tower": (replace(find("two_tower"), target=Twin()), triplets),
    "labeled": (replace(sup, head=None, views=labeled, auxiliaries=(SoftmaxNLI(),), chunk=2), triplets),
    "several": (replace(sup, objective=InfoNCE(hard_negative_weight=0.5), memory=queue), several),
    "several_labels": (replace(sup, head=None, views=labeled, auxiliaries=(SoftmaxNLI(),), chunk=2), several),
    "margins": (replace(find("margin_mse"), reranker=base, max_length=32), several),
    "candidates": (replace(find("distil_reranker"), reranker=base, max_length=32, chunk=3), several),
    "supcon": (replace(find("supcon"), head=MLP(width=8)), labeled_texts),
    "triplet": (replace(find("triplet"), objective=BatchTriplet("semi_hard", 1.0), chunk=3), labeled_texts),
    "contrast": (replace(find("angle"), objective=ScoredContrast(0.2, 1.0), chunk=3), dev),
    "ranks": (replace(find("rankcse"), guide=(base, base), guide_weights=(1.0, 3.0)), data),
    "gist": (replace(find("gist"), guide=base, max_length=32), triplets),
    "sum": (replace(sup, objective=Sum((Term(InfoNCE(0.2), queue, weight=0.5), VICReg(), InfoNCE()))), triplets),
    "noise": (replace(simcse, objective=InfoNCE(mix=0.2), memory=Noise(9, steps=2, rate=1.0)), data),
    "margin": (replace(simcse, objective=InfoNCE(angular_margin=0.1, symmetric=True), chunk=3), data),
    "arccse": (find("arccse"), data),
    "sncse": (replace(find("sncse"), chunk=3), data),
    "tsdae": (replace(find("tsdae"), max_length=32), data),
    "tsdae_chunk": (replace(find("tsdae"), auxiliaries=(Denoising(layers=1, tied=False),), chunk=3), data),
    "isbert": (replace(find("isbert"), auxiliaries=(MutualInformation(channels=8),)), data),
    "diffcse": (replace(find("diffcse"), head=Projector(), chunk=4), data),
    "doubts": (replace(sup, objective=InfoNCE(within_view=True, false_negatives=FalseNegatives(0.9))), triplets),
}


def three_steps(recipe, file):
    encoder = Encoder.load(base, pooling=recipe.pooling)
    rows, _ = open_examples(recipe, file, None, delimiter=None, header=True)
    columns = len(rows.columns) + len(rows.listed)
    material = load_training_data(recipe, rows, encoder, None, progress=False)
    method = Method(recipe, encoder, columns=columns, seed=1, examples=len(material.online.table)).train()
    loader = Loader(material, recipe, method.views, method.view_plan, seed=1, rank=rank, world=world)
    losses = []
    for step in range(3):
        method.zero_grad()
        method.progress = step / 10
        (examples,) = loader.step(step)
        if recipe.chunk:
            loss, _ = gradient_cache.backward(method, examples, torch.Tensor.backward, nullcontext)
        else:
            loss, _ = method(examples)
            loss.backward()
        distributed.average_gradients(method.parameters())
        if step == 0:
            found = {f"first.{name}": p.grad.clone() for name, p in method.named_parameters() if p.grad is not None}
        with torch.no_grad():
            for parameter in method.parameters():
                if parameter.grad is not None:
                    parameter -= 0.05 * parameter.grad
        method.after_step()
        losses.append(distributed.gather(loss.detach()[None, None]).mean())
    gradients = {f"gradient.{name}": p.grad for name, p in method.named_parameters() if p.grad is not None}
    buffers = {f"state.{name}": buffer.clone() for name, buffer in method.state_dict().items()}
    return {"losses": torch.stack(losses), **found, **gradients, **buffers}


for name, (recipe, file) in CASES.items():
    found = {key: tensor.contiguous() for key, tensor in three_steps(replace(recipe, **SMALL), file).items()}
    save_file(found, f"{output}/{name}-{world}-{rank}.safetensors")

if world > 1:
    both, one, none, fixed = (torch.nn.Parameter(torch.zeros(2)) for _ in range(4))
    fixed.requires_grad_(False)
    both.grad = torch.tensor([1.0, 2.0]) * (rank + 1)
    if rank == 1:
        one.grad = torch.tensor([5.0, 7.0])
    distributed.average_gradients([both, one, none, fixed])
    assert none.grad is None and fixed.grad is None
    numbers = torch.arange(6).view(2, 3) + 10 * rank
    uneven = torch.full((1 + 2 * rank, 2), float(rank), requires_grad=True)
    shares = distributed.shares(len(uneven), torch.device("cpu"))
    joined = distributed.gather(uneven, shares)
    (joined * torch.arange(1.0, 5.0)[:, None] * (rank + 1)).sum().backward()
    rows = torch.full((2, 3), float(rank), requires_grad=True)
    gathered = distributed.gather(rows)
    (gathered * torch.tensor([[1.0], [2.0], [3.0], [4.0]]) * (rank + 1)).sum().backward()
    parts = {
        "both": both.grad,
        "one": one.grad,
        "numbers": distributed.gather_numbers(numbers),
        "turned": distributed.gather_numbers(numbers.T),
        "flat": distributed.gather_numbers(numbers[0]),
        "uneven": joined.detach(),
        "uneven_gradient": uneven.grad,
        "uneven_numbers": distributed.gather_numbers(torch.arange(1 + 2 * rank) + 10 * rank, shares),
        "mean": distributed.mean(torch.tensor([float(rank), 3.0])),
        "of_main": torch.tensor(distributed.of_main(5.0 + rank, torch.device("cpu"))),
        "greatest": torch.tensor(distributed.greatest(5 + rank, torch.device("cpu"))),
        "rows": gathered.detach(),
        "rows_gradient": rows.grad,
    }
    save_file({name: tensor.contiguous() for name, tensor in parts.items()}, f"{output}/parts-{rank}.safetensors")

lessons = (Lesson(), Lesson(views=sup.views[:2], objective=CosineRegression()))
for name, recipe, file in (
    ("mixed", replace(sup, mix="proportional", lessons=lessons, **SMALL, epochs=1), [Path(triplets), Path(dev)]),
    ("run", replace(sup, epochs=2, **SMALL), triplets),
    ("queue", replace(esimcse, memory=Queue(size=30, view=0), chunk=3, max_steps=4, **SMALL), data),
):
    result = fit(recipe, base, file, output=f"{output}/{name}-{world}", dev=dev, progress=False)
    vectors = torch.tensor(result.encoder.encode(["the red dog eats a ball", "a cat"]))
    found = {"vectors": vectors, "steps": torch.tensor(result.steps)}
    save_file(found, f"{output}/{name}-{world}-{rank}.safetensors")
if world > 1:
    torch.distributed.destroy_process_group()
"""
CASES = re.findall(r'^    "(\w+)": \(', WORK, flags=re.MULTILINE)


def start(folder: Path, arguments: list[str], world: int) -> list[subprocess.Popen[bytes]]:
    script = folder / "work.py"
    script.write_text(WORK)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    own = {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port), "WORLD_SIZE": str(world), "OMP_NUM_THREADS": "1"}
    own |= {"SIMEMB_CACHE": str(folder / "cache")}
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
    _write_several(triplets_file, folder / "several.jsonl")
    processes = [process for world in (2, 1) for process in start(folder, arguments, world)]
    try:
        errors = [process.communicate(timeout=600)[1].decode() for process in processes]
    finally:
        for process in processes:
            process.kill()
    assert [process.returncode for process in processes] == [0, 0, 0], "\n".join(errors)
    return folder


def _write_several(triplets: Path, path: Path) -> None:
    """Triplets with none to three negatives a row."""
    rows = list(open_rows(triplets).texts())
    negatives = [text for *_, text in rows]
    records = [
        {"anchor": anchor, "positive": positive, "negative": negatives[place : place + place % 4]}
        for place, (anchor, positive, _) in enumerate(rows)
    ]
    path.write_text("\n".join(map(json.dumps, records)), encoding="utf-8")


@pytest.mark.parametrize("name", CASES)
def test_three_steps_of_two_processes_are_those_of_one(name: str, folder: Path):
    first, second, one = (load_file(folder / f"{name}-{who}.safetensors") for who in ("2-0", "2-1", "1-0"))
    assert first.keys() == second.keys() == one.keys()
    assert any(key.startswith("first.") and tensor.any() for key, tensor in one.items())
    for key, tensor in one.items():
        if tensor.is_floating_point():
            # sums in another order: the error goes with the largest number, and every step starts from that of the last
            bound = 2e-6 + (3e-5 if key.startswith("first.") else 1e-4) * tensor.abs().max().item()
            assert (first[key] - tensor).abs().max().item() <= bound, key
        else:  # which texts the queue holds
            assert torch.equal(first[key], tensor), key
        assert torch.equal(first[key], second[key]), key


@pytest.mark.parametrize("name", ["queue_ema", "queue_ema_chunk", "esimcse"])
def test_the_queue_holds_the_keys_of_both_processes(name: str, folder: Path):
    state = load_file(folder / f"{name}-2-0.safetensors")
    assert int(state["state.memory.count"]) == 3 * 14
    assert state["state.memory.keys"].any(dim=1).all()


def test_a_gradient_is_the_mean_over_the_processes_even_if_only_one_has_it(folder: Path):
    for rank in range(2):
        parts = load_file(folder / f"parts-{rank}.safetensors")
        assert parts["both"].tolist() == [1.5, 3.0]
        assert parts["one"].tolist() == [2.5, 3.5]


def test_what_processes_decide_together_is_the_same_in_all(folder: Path):
    for rank in range(2):
        parts = load_file(folder / f"parts-{rank}.safetensors")
        assert parts["mean"].tolist() == [0.5, 3.0]
        assert (parts["of_main"].item(), parts["greatest"].item()) == (5.0, 6)


def test_numbers_are_gathered_in_the_order_of_the_ranks(folder: Path):
    for rank in range(2):
        parts = load_file(folder / f"parts-{rank}.safetensors")
        assert parts["numbers"].tolist() == [[0, 1, 2], [3, 4, 5], [10, 11, 12], [13, 14, 15]]
        assert parts["turned"].tolist() == [[0, 3], [1, 4], [2, 5], [10, 13], [11, 14], [12, 15]]
        assert parts["flat"].tolist() == [0, 1, 2, 10, 11, 12]


def test_gathered_rows_send_their_gradient_back_to_where_they_came_from(folder: Path):
    for rank, expected in enumerate(([3.0, 6.0], [9.0, 12.0])):  # the weights of both processes' losses, added
        parts = load_file(folder / f"parts-{rank}.safetensors")
        assert parts["rows"].tolist() == [[0.0] * 3] * 2 + [[1.0] * 3] * 2
        assert parts["rows_gradient"].tolist() == [[number] * 3 for number in expected]


def test_differently_many_rows_are_gathered_and_send_their_gradient_back(folder: Path):
    for rank, expected in enumerate(([3.0], [6.0, 9.0, 12.0])):
        parts = load_file(folder / f"parts-{rank}.safetensors")
        assert parts["uneven"].tolist() == [[0.0] * 2] + [[1.0] * 2] * 3
        assert parts["uneven_numbers"].tolist() == [0, 10, 11, 12]
        assert parts["uneven_gradient"].tolist() == [[number] * 2 for number in expected]


@pytest.mark.parametrize(("name", "steps"), [("run", 14), ("queue", 4), ("mixed", 10)])
def test_a_run_of_two_processes_ends_where_a_run_of_one_does(name: str, steps: int, folder: Path):
    # 90 examples in batches of 14: the last batch has 6, so every batch can be halved
    results = [load_file(folder / f"{name}-{who}.safetensors") for who in ("2-0", "2-1", "1-0")]
    assert [int(result["steps"]) for result in results] == [steps] * 3
    assert torch.equal(results[0]["vectors"], results[1]["vectors"])
    torch.testing.assert_close(results[0]["vectors"], results[2]["vectors"], atol=2e-3, rtol=0)
    two, one = folder / f"{name}-2", folder / f"{name}-1"
    records = [json.loads(line) for line in (two / "metrics.jsonl").read_text().splitlines()]
    assert [record["step"] for record in records if "dev_spearman" in record] == [0, *range(2, steps + 1, 2)]
    losses = [record["loss"] for record in records if "loss" in record]
    alone = [json.loads(line) for line in (one / "metrics.jsonl").read_text().splitlines()]
    assert losses == pytest.approx([record["loss"] for record in alone if "loss" in record], abs=1e-3)
    assert {path.name for path in two.iterdir()} == {path.name for path in one.iterdir()}


def test_a_single_process_gathers_nothing():
    rows, numbers = torch.ones(2, 3), torch.arange(3)
    assert distributed.gather(rows) is rows
    assert distributed.gather_numbers(numbers) is numbers
    assert (distributed.rank(), distributed.world()) == (0, 1)
    cpu = torch.device("cpu")
    assert (distributed.of_main(2.5, cpu), distributed.greatest(3, cpu), distributed.mean(rows) is rows) == (
        2.5,
        3,
        True,
    )
    parameter = torch.nn.Parameter(torch.ones(2))
    parameter.grad = torch.ones(2)
    distributed.average_gradients([parameter])
    assert parameter.grad.tolist() == [1, 1]
