"""The constants of every recipe, each with its source: the paper, or the code that produced the paper's numbers.

One readable list. Where a recipe departs from its source (a scaled queue, a smaller head), the list says so and the
recipe's docstring says why.
"""

from collections.abc import Sequence
from dataclasses import fields, replace
from functools import reduce
from importlib import import_module
from math import exp, pi
from typing import Any

import numpy as np
import pytest

from simemb import InfoNCE, LoRA, MaskedLM, Projector, View
from simemb.cookbook import RECIPES, names
from simemb.method.recipe import Recipe
from simemb.method.recipe_files import find
from simemb.method.targets import view_plan
from simemb.method.views import pairs
from simemb.training.dataset import TokenizedTexts, TrainingData
from simemb.training.loader import Loader

# What princeton-nlp/SimCSE runs with; every recipe has these values where the list below names no others.
SIMCSE = {"max_length": 32, "batch_size": 64, "learning_rate": 3e-5, "epochs": 1, "pooling": "cls", "dropout": None}
SIMCSE |= {"schedule": "linear", "warmup": 0.0, "weight_decay": 0.0, "betas": (0.9, 0.999), "epsilon": 1e-8}
SIMCSE |= {"max_grad_norm": 1.0, "eval_every": 125, "patience": None, "accumulate": 1, "keep": "best"}
SIMCSE |= {"objective.weight": 1.0, "fixed_dropout": False, "guide": None, "reranker": None, "negatives": None}
SIMCSE |= {"guide_weights": ()}
SIMCSE |= {"lora": LoRA(), "freeze": (), "learning_rates": ()}
SIMCSE |= {"mix": "join", "weights": (), "lessons": (), "per_label": None, "include_prompt": None}

# yym6472/ConSERT, all of scripts/; 2 x 0.15 as losses/AdvCLSoftmaxLoss.py adds two directions, four if joint.
CONSERT = {"max_length": 64, "batch_size": 96, "pooling": "mean", "warmup": 0.1, "weight_decay": 0.01, "epsilon": 1e-6}
CONSERT |= {"objective.temperature": 0.1, "objective.within_view": True, "objective.weight": 0.3, "eval_every": 200}
COSINE = {"schedule": "cosine"}

ONE_WAY = ["simcse", "esimcse", "moco_v1", "moco_v2", "cpc", "two_tower", "simcse_sup", "crop", "contriever", "ct"]

CONSTANTS: dict[str, dict[str, Any]] = {
    "simcse": {"objective.temperature": 0.05, "head.activation": "tanh", "head.keep": False},
    "simcse_mlm": {"objective.temperature": 0.05, "auxiliaries.0.weight": 0.1, "auxiliaries.0.probability": 0.15}
    | {"auxiliaries.0.tied": False},
    # Khosla et al., 2020, sections 3 and 4; the optimizer is that of simcse_sup.
    "supcon": {"objective.temperature": 0.1, "head.layers": 2, "head.hidden": 2048, "head.width": 128, "per_label": 4}
    | {"batch_size": 512, "learning_rate": 5e-5, "epochs": 3},
    # Hermans et al., 2017: 18 classes of 4, no margin.
    "triplet": {"objective.mining": "hard", "objective.margin": None, "objective.distance": "euclidean"}
    | {"batch_size": 72, "per_label": 4, "learning_rate": 5e-5, "epochs": 3, "head": None},
    "simcse_sup": {"objective.temperature": 0.05, "objective.hard_negative_weight": 0.0, "head.keep": True}
    | {"batch_size": 512, "learning_rate": 5e-5, "epochs": 3},
    # caskcsg/sentemb, ESimCSE: run.sh, train.py and esimcse/trainers.py.
    "esimcse": {"objective.temperature": 0.05, "views.1.augment.0.rate": 0.32, "views.1.augment.0.unit": "subword"}
    | {"views.0.augment": (), "views.1.augment.0.count": "code", "views.1.augment.0.frozen": False}
    | {"target.momentum": 0.995, "target.final": None, "target.dropout": False, "target.keys": False}
    | {"target.head": False, "memory.size": 160, "memory.view": 0, "memory.start": "empty", "head.keep": False},
    # yym6472/ConSERT, scripts/: unsup base; joint base; sup-unsup base.
    "consert": CONSERT
    | {"views.0.augment.0.rate": 0.2, "dropout": 0.0, "learning_rate": 5e-7, "epochs": 10, "patience": 10},
    "consert_joint": CONSERT
    | {"views.0.augment": (), "views.1.augment.0.rate": 0.1, "views.3.augment.0.rate": 0.1, "objective.weight": 0.6}
    | {"auxiliaries.0.weight": 1.0, "auxiliaries.0.classes": 3, "auxiliaries.0.max_square": True}
    | {"learning_rate": 2e-5, "epochs": 1},
    "consert_sup_unsup": CONSERT
    | {"views.0.augment": (), "views.1.augment.0.rate": 0.1, "learning_rate": 5e-7, "epochs": 25, "patience": 10},
    # Wu et al., 2018, section 3 and zhirongw/lemniscate.pytorch; proximal and epochs are ours.
    "instdisc": {"objective.temperature": 0.07, "objective.draws": 4096, "memory.momentum": 0.5, "head.width": 128}
    | {"objective.proximal": 10.0, "epochs": 10},
    "invaspread": {"objective.temperature": 0.1, "head.width": 128},
    # He et al., 2020: 65,536 keys are 256 batches of 256; here 256 batches of 64.
    "moco_v1": {"objective.temperature": 0.07, "objective.in_batch": False, "target.momentum": 0.999}
    | {"memory.size": 65_536 // 256 * 64, "memory.start": "random", "head.width": 128, "head.activation": "none"},
    "moco_v2": {"objective.temperature": 0.2, "objective.in_batch": False, "target.momentum": 0.999}
    | {"memory.size": 65_536 // 256 * 64, "head.layers": 2, "head.hidden": None, "head.width": 128}
    | {"head.norm": "none", "head.activation": "relu"}
    | COSINE,
    # facebookresearch/moco-v3: CONFIG.md for ViT, builder.py; both directions added, times 2 x temperature.
    "moco_v3": {"objective.temperature": 0.2, "objective.weight": 4 * 0.2, "target.momentum": 0.99, "target.final": 1.0}
    | {"head.layers": 3, "head.hidden": 4096, "head.width": 256, "head.final_norm": True, "memory": None}
    | {"predictor.layers": 2, "predictor.hidden": 4096, "predictor.width": 256, "predictor.final_norm": True}
    | COSINE,
    "simclr": {"objective.temperature": 0.1, "objective.within_view": True, "head.layers": 2, "head.hidden": None}
    | {"head.width": 128, "head.activation": "relu", "head.keep": 0}
    | COSINE,
    "simclr_v2": {"objective.temperature": 0.1, "head.layers": 3, "head.width": 128, "head.keep": 1} | COSINE,
    # Grill et al., 2020; the loss is the sum of both directions of 2 - 2 cos.
    "byol": {"objective.weight": 2.0, "target.momentum": 0.99, "target.final": 1.0}
    | {"head.layers": 2, "head.hidden": 4096, "head.width": 256, "head.norm": "batch", "head.final_norm": False}
    | {"predictor.layers": 2, "predictor.hidden": 4096, "predictor.width": 256, "predictor.norm": "batch"}
    | COSINE,
    # Chen & He, 2021; half of -cos in either direction.
    "simsiam": {"objective.weight": 0.5, "head.layers": 3, "head.hidden": 2048, "head.width": 2048}
    | {"head.norm": "batch", "head.final_norm": True, "predictor.layers": 2, "predictor.hidden": 512}
    | {"predictor.norm": "batch", "predictor.final_norm": False, "predictor.width": None}
    | COSINE,
    # Caron et al., 2020, section 3.1 and appendix A: 3,000 prototypes at batch 4,096 are 47 at 64.
    "swav": {"objective.temperature": 0.1, "objective.epsilon": 0.05, "objective.iterations": 3}
    | {"head.layers": 2, "head.hidden": 2048, "head.width": 128, "head.norm": "batch", "head.prototypes": 48}
    | {"views.2.augment.0.shortest": 0.22, "views.2.augment.0.longest": 0.37}
    | COSINE,
    # Caron et al., 2021, section 3: 65,536 outputs at batch 1,024 are 4,096 at 64; 30 of 300 epochs of warm-up.
    "dino": {"objective.student": 0.1, "objective.teacher": 0.07, "objective.teacher_start": 0.04}
    | {"objective.warmup": 0.1, "objective.momentum": 0.9, "target.momentum": 0.996, "target.final": 1.0}
    | {"head.layers": 3, "head.hidden": 2048, "head.width": 256, "head.activation": "gelu", "head.norm": "none"}
    | {"head.prototypes": 65_536 // 1024 * 64, "views.2.augment.0.shortest": 0.22, "views.2.augment.0.longest": 0.63}
    | COSINE,
    "cpc": {"objective.temperature": 1.0, "objective.similarity": "dot", "views.0.offset": 0, "views.1.offset": 1}
    | {"predictor.layers": 1, "predictor.bias": False, "predictor.width": None, "head": None},
    "cmc": {"objective.temperature": 0.07, "objective.symmetric": True, "objective.weight": 2.0, "head.width": 128},
    # Radford et al., 2021, section 2.5; the optimizer is simcse_sup's.
    "two_tower": {"objective.temperature": 0.07, "objective.learnt": True, "objective.temperature_floor": 0.01}
    | {"objective.symmetric": True, "batch_size": 512, "learning_rate": 5e-5, "epochs": 3},
    # Reimers & Gurevych, 2020, and the released example.
    "distil": {"predictor.activation": "none", "learning_rate": 2e-5, "epsilon": 1e-6, "max_length": 128, "epochs": 5}
    | {"pooling": "mean", "warmup": 0.1, "target.model": "mini"},
    "distil_similarity": {"objective.temperature": 0.04, "objective.teacher_temperature": None, "batch_size": 256}
    | {"learning_rate": 2e-5, "epsilon": 1e-6, "max_length": 128, "epochs": 5, "pooling": "mean", "warmup": 0.1},
    # caskcsg/sentemb, DistilCSE/ckd_contrastive.py and its run script.
    "distil_contrast": {"objective.temperature": exp(-1), "objective.learnt": True, "memory.size": 65_536}
    | {"batch_size": 512, "learning_rate": 2e-4, "epochs": 20, "max_length": 64, "betas": (0.9, 0.98)}
    | {"warmup": 0.1 / 20, "predictor.activation": "none"}
    | COSINE,
    # Zbontar et al., 2021, and Bardes et al., 2022: 8,192 dimensions are 4 x ResNet-50's width, 3,072 4 x BERT-base's.
    "barlow": {"objective.off_diagonal": 5e-3, "head.layers": 3, "head.hidden": 3072, "head.width": 3072}
    | {"head.norm": "batch", "head.final_norm": False}
    | COSINE,
    "vicreg": {"objective.similarity": 25.0, "objective.variance": 25.0, "objective.covariance": 1.0}
    | {"objective.epsilon": 1e-4, "head.layers": 3, "head.hidden": 3072, "head.width": 3072, "head.norm": "batch"}
    | COSINE,
    "align_uniform": {"objective.alpha": 2.0, "objective.t": 2.0, "objective.uniformity": 1.0, "head": None},
    # Zhou et al., 2022 (DCLR), the released script for BERT-base; the four moves are the paper's.
    "denoise": {"objective.temperature": 0.05, "objective.false_negatives.threshold": 0.9, "guide": "mini"}
    | {"objective.false_negatives.guided": True, "batch_size": 128, "epochs": 3}
    | {"memory.size": 128, "memory.std": 1.0, "memory.steps": 4, "memory.rate": 1e-3, "memory.temperature": 0.05},
    # caskcsg/sentemb, gsInfoNCE/run.sh: bert-base-uncased.
    "gs_infonce": {"objective.temperature": 0.05, "memory.size": 192, "memory.std": 0.5, "memory.steps": 0}
    | {"dropout": 0.2},
    # Zhang et al., 2022 (AAAI); the rest is BDBC-KG-NLP/MixCSE_AAAI2022's script, which is SimCSE's.
    "mixcse": {"objective.temperature": 0.05, "objective.mix": 0.2, "head.keep": False},
    # Zhang et al., 2022 (ArcCSE): the margin of 10 degrees and the temperature; the triplet's numbers are others'.
    "arccse": {"objective.objectives.0.temperature": 0.05, "objective.objectives.0.angular_margin": pi / 18}
    | {"objective.objectives.0.hard_negatives": False, "objective.objectives.1.margin": 0.0}
    | {"objective.objectives.1.weight": 0.1, "views.2.augment.0.rate": 0.2, "views.3.augment.0.rate": 0.4}
    | {"views.2.augment.0.shared": True, "views.3.augment.0.shared": True},
    # Sense-GVT/SNCSE: train_SNCSE.sh and train_SNCSE.py, bert-base-uncased.
    "sncse": {"objective.objectives.0.temperature": 0.05, "objective.objectives.0.hard_negatives": False}
    | {"objective.objectives.1.alpha": 0.1, "objective.objectives.1.beta": 0.3, "objective.objectives.1.weight": 1e-3}
    | {"batch_size": 256, "learning_rate": 1e-5},
    # qiyuw/PeerCL: run_unsup_pcl.sh, and the shares of train.py.
    "pcl": {"objective.temperature": 0.05, "views.2.augment.0.special": False, "views.4.augment.0.rate": 0.2}
    | {"views.5.augment.0.rate": 0.2, "views.5.augment.0.count": "paper", "batch_size": 256},
    # Kusupati et al., 2022: halves, all weights 1; the loss and the optimizer are simcse_sup's.
    "matryoshka": {"objective.objective.temperature": 0.05, "objective.weights": None, "head.keep": True}
    | {"batch_size": 512, "learning_rate": 5e-5, "epochs": 3},
    # perceptiveshawty/RankCSE: run_rankcse.sh, and ListNet of rankcse/models.py.
    "rankcse": {"objective.objectives.0.temperature": 0.05, "objective.objectives.1.temperature": 0.05}
    | {"objective.objectives.2.temperature": 0.05, "objective.objectives.2.teacher_temperature": 0.05 / 2}
    | {f"objective.objectives.{term}.weight": 1.0 for term in range(3)}
    | {"guide": "mini", "batch_size": 128},
    # SeanLee97/AnglE, train_angle.py; 100 of the 3,594 steps on STS-B are the warm-up; the length is SBERT's.
    "angle": {"objective.objectives.0.scale": 20.0, "objective.objectives.1.scale": 1.0}
    | {"objective.objectives.2.temperature": 1 / 20, "objective.objectives.2.above": 0.0}
    | {f"objective.objectives.{term}.weight": 1.0 for term in range(3)}
    | {"batch_size": 32, "epochs": 20, "learning_rate": 1e-5, "warmup": 100 / 3600, "max_length": 128},
    # avsolatorio/GIST-Embedding-v0, its model card; the length is ours.
    "gist": {"objective.temperature": 0.01, "objective.within_view": True, "objective.false_negatives.margin": 0.0}
    | {"objective.false_negatives.guided": True, "guide": "mini", "batch_size": 32, "learning_rate": 5e-6}
    | {"warmup": 0.1, "max_length": 128, "head": None},
    # CachedMultipleNegativesRankingLoss: scale 20, mini_batch_size 32; the batch and the length are ours.
    "cached": {"objective.temperature": 1 / 20, "chunk": 32, "batch_size": 1024, "max_length": 128, "pooling": "mean"}
    | {"learning_rate": 5e-5, "head": None},
    "cosent": {"objective.scale": 20.0, "batch_size": 64, "learning_rate": 2e-5, "epochs": 4, "pooling": "mean"}
    | {"max_length": 128, "warmup": 0.1},
    # Reimers & Gurevych, 2019, section 3 and 4.2.
    "cosine": {"objective.low": 0.0, "objective.high": 5.0, "batch_size": 16, "learning_rate": 2e-5, "epochs": 4}
    | {"pooling": "mean", "max_length": 128, "warmup": 0.1},
    # Hofstätter et al., 2020; the length is ours.
    "margin_mse": {"objective.similarity": "dot", "objective.scale": 1.0, "reranker": "mini", "batch_size": 32}
    | {"learning_rate": 7e-6, "max_length": 256, "head": None},
    "distil_reranker": {"objective.temperature": 0.05, "objective.teacher_temperature": 1.0, "reranker": "mini"}
    | {"objective.similarity": "cosine", "batch_size": 32, "learning_rate": 5e-5, "max_length": 256, "head": None},
    # Wang et al., 2021, and sentence-transformers' examples; the length is ours.
    "tsdae": {"views.0.augment.0.rate": 0.6, "auxiliaries.0.weight": 1.0, "auxiliaries.0.layers": None}
    | {"auxiliaries.0.tied": True, "objective": None, "pooling": "cls", "max_length": 128, "batch_size": 8}
    | {"learning_rate": 3e-5, "schedule": "constant", "eval_every": 1000},
    # yanzhangnlp/IS-BERT: the script for NLI, with the defaults of sentence-transformers.
    "isbert": {"auxiliaries.0.windows": (1, 3, 5), "auxiliaries.0.channels": 256, "auxiliaries.0.weight": 1.0}
    | {"objective": None, "pooling": "mean", "max_length": 128, "batch_size": 32, "learning_rate": 2e-5}
    | {"warmup": 0.1, "weight_decay": 0.01, "epsilon": 1e-6, "eval_every": 1000},
    # voidism/DiffCSE: run_diffcse.sh and diffcse/models.py.
    "diffcse": {"objective.temperature": 0.05, "auxiliaries.0.weight": 0.005, "auxiliaries.0.probability": 0.3}
    | {"auxiliaries.0.generator": None, "auxiliaries.0.projected": True, "head.layers": 2, "head.hidden": 1536}
    | {"head.width": None, "head.norm": "batch", "head.final_norm": True, "head.bias": False, "head.keep": 0}
    | {"learning_rate": 7e-6, "epochs": 2},
    # Zhang & Lan, 2021; the range is ours.
    "s_simcse": {"objective.temperature": 0.05, "views.0.augment.0.lowest": 0.0, "views.0.augment.0.highest": 0.2}
    | {"views.1.augment.0.lowest": 0.0, "views.1.augment.0.highest": 0.2, "head.activation": "tanh"},
    # Devlin et al., 2019; batch, length and learning rate are for continuing on a small machine.
    "mlm": {"auxiliaries.0.weight": 1.0, "auxiliaries.0.probability": 0.15, "auxiliaries.0.tied": True}
    | {"objective": None, "pooling": "mean"}
    | {"max_length": 128, "learning_rate": 1e-4, "warmup": 0.05, "weight_decay": 0.01, "eval_every": 500}
    | {"keep": "last"},
    # berenslab/text-embed-augm, model_stuff.py, train_loop; the share of a crop is ours.
    "crop": {"objective.temperature": 0.05, "views.0.augment.0.shortest": 0.25, "views.1.augment.0.longest": 0.5}
    | {"head": None, "pooling": "mean", "max_length": 512, "learning_rate": 2e-5, "warmup": 0.1},
    # facebookresearch/contriever: the training command, options.py, moco.py; 131,072 keys are 64 batches of 2,048.
    "contriever": {"objective.temperature": 0.05, "objective.similarity": "dot", "objective.in_batch": False}
    | {"views.0.augment.0.shortest": 0.1, "views.0.augment.0.longest": 0.5, "views.0.augment.1.rate": 0.1}
    | {"views.1.augment.0.shortest": 0.1, "views.1.augment.0.longest": 0.5, "views.1.augment.1.rate": 0.1}
    | {"target.momentum": 0.9995, "target.dropout": True, "memory.size": 131_072 // 2048 * 64}
    | {"memory.start": "random", "head": None, "pooling": "mean", "max_length": 256, "learning_rate": 5e-5}
    | {"warmup": 20_000 / 500_000, "weight_decay": 0.01, "betas": (0.9, 0.98), "epsilon": 1e-6},
    # JohnGiorgi/DeCLUTR, training_config/declutr_base.jsonnet; 512 and 32 of documents of 2,048 and 512 tokens.
    "declutr": {"objective.temperature": 0.05, "objective.within_view": True, "auxiliaries.0.weight": 1.0}
    | {"auxiliaries.0.probability": 0.15, "views.0.augment.0.part": "anchor", "views.1.augment.0.part": "positive"}
    | {"views.0.augment.0.longest": 512 / 2048, "views.1.augment.0.longest": 512 / 2048}
    | {"views.0.augment.0.shortest": 32 / 512, "views.1.augment.0.shortest": 32 / 512, "batch_size": 16 * 2}
    | {"pooling": "mean", "max_length": 512, "learning_rate": 5e-5, "warmup": 0.1, "weight_decay": 0.1}
    | {"epsilon": 1e-6},
    # cambridgeltl/mirror-bert: mirror_sentence_bert.sh, train.py, data_loader.py.
    "mirror": {"objective.temperature": 0.04, "objective.within_view": True, "views.0.augment": ()}
    | {"views.1.augment.0.characters": 5, "views.1.augment.0.least": 30, "head": None, "pooling": "mean"}
    | {"max_length": 50, "batch_size": 200, "learning_rate": 2e-5, "schedule": "constant", "weight_decay": 0.01}
    | {"eval_every": 25},
    # FreddeFrallan/Contrastive-Tension, Training.py.
    "ct": {"objective.per_positive": 7, "target.model": None, "head": None, "pooling": "mean", "max_length": 75}
    | {"batch_size": 16, "learning_rate": 1e-5},
    # sentence-transformers: ContrastiveTensionLossInBatchNegatives and train_ct-improved_from_file.py.
    "ct_batch": {"objective.temperature": 1 / 20, "objective.symmetric": True, "objective.learnt": True}
    | {"objective.similarity": "cosine", "target.model": None, "head": None, "pooling": "mean", "max_length": 75}
    | {"batch_size": 128, "learning_rate": 5e-5, "warmup": 0.1, "weight_decay": 0.01},
}


def part(noun: Any, name: str) -> Any:
    return noun[int(name)] if name.isdigit() else getattr(noun, name)


def value(recipe: Recipe, path: str) -> Any:
    return reduce(part, path.split("."), recipe)


def test_no_recipe_is_missing_from_the_list():
    assert set(CONSTANTS) == set(names(RECIPES))


@pytest.mark.parametrize("name", CONSTANTS)
def test_the_constants_are_those_of_the_source(name: str):
    recipe = find(name)
    assert {path: value(recipe, path) for path in CONSTANTS[name]} == CONSTANTS[name]


@pytest.mark.parametrize("name", sorted(set(CONSTANTS) - {"mlm"}))
def test_what_the_list_does_not_name_is_as_in_simcse(name: str):
    recipe = find(name)
    absent = ("objective.",) if recipe.objective is None else ()
    rest = {path: number for path, number in SIMCSE.items() if path not in CONSTANTS[name]}
    rest = {path: number for path, number in rest.items() if not path.startswith(absent)}
    assert {path: value(recipe, path) for path in rest} == rest


def test_every_number_of_the_optimizer_is_in_one_of_the_two_lists():
    nouns = {"views", "objective", "head", "predictor", "target", "memory", "auxiliaries", "max_steps", "chunk"}
    assert {field.name for field in fields(Recipe)} - nouns <= set(SIMCSE)


@pytest.mark.parametrize(("name", "full", "small"), [("swav", 2, 6), ("dino", 2, 8)])
def test_multi_crop_has_two_full_views_and_so_many_small_ones_that_only_ask(name: str, full: int, small: int):
    views = find(name).views
    assert [view.target for view in views] == [True] * full + [False] * small
    assert all(view.online for view in views)
    assert [bool(view.augment) for view in views] == [False] * full + [True] * small


@pytest.mark.parametrize("name", ["simclr", "simclr_v2", "byol", "simsiam", "moco_v3", "consert", "declutr", "mirror"])
def test_methods_that_are_symmetric_in_their_paper_have_two_views_that_both_branches_see(name: str):
    assert [(view.online, view.target) for view in find(name).views] == [(True, True)] * 2


@pytest.mark.parametrize("name", ONE_WAY)
def test_methods_with_one_direction_have_one_view_that_asks_and_one_that_answers(name: str):
    query, key, *_ = find(name).views
    assert (query.online, query.target, key.online, key.target) == (True, False, False, True)


@pytest.mark.parametrize("name", ["cmc", "ct", "ct_batch"])
def test_of_two_encoders_the_one_of_the_queries_is_the_runs_own_and_the_other_its_twin(name: str):
    recipe = find(name)
    plan = view_plan(recipe.views, recipe.target)
    assert (plan.online, plan.second) == ((0,), (1,))


def test_joint_consert_compares_premises_with_premises_and_hypotheses_with_hypotheses():
    """The released code adds four directions times 0.15; the mean of the same four is weighted by 4 x 0.15."""
    recipe = find("consert_joint")
    assert [view.column for view in recipe.views] == [0, 0, 1, 1, 2]
    compared = pairs(recipe.views)
    assert compared == ((0, 1), (1, 0), (2, 3), (3, 2))
    assert recipe.objective.weight == pytest.approx(len(compared) * 0.15)


# ---- the numbers of princeton-nlp/SimCSE ---------------------------------------------------------


def test_the_numbers_that_all_three_share():
    for name in ("simcse", "simcse_sup", "simcse_mlm"):
        recipe = find(name)
        assert (recipe.max_length, recipe.pooling, recipe.dropout) == (32, "cls", None)
        assert recipe.objective == InfoNCE(temperature=0.05, hard_negative_weight=0.0)
        assert (recipe.warmup, recipe.schedule, recipe.weight_decay) == (0.0, "linear", 0.0)
        assert (recipe.betas, recipe.epsilon, recipe.max_grad_norm) == ((0.9, 0.999), 1e-8, 1.0)
        assert (recipe.eval_every, recipe.accumulate, recipe.patience, recipe.max_steps) == (125, 1, None, None)


def test_simcse_has_the_numbers_of_run_unsup():
    recipe = find("simcse")
    assert (recipe.batch_size, recipe.learning_rate, recipe.epochs) == (64, 3e-5, 1)
    assert recipe.views == (View(column=0, target=False), View(column=0, online=False))
    assert recipe.head == Projector(activation="tanh", keep=False)
    assert recipe.auxiliaries == ()


def test_simcse_sup_has_the_numbers_of_run_sup():
    recipe = find("simcse_sup")
    assert (recipe.batch_size, recipe.learning_rate, recipe.epochs) == (512, 5e-5, 3)
    assert [(view.column, view.negative) for view in recipe.views] == [(0, False), (1, False), (2, True)]
    assert recipe.head == Projector(activation="tanh", keep=True)


def test_simcse_mlm_is_simcse_with_a_tenth_of_masked_language_modelling():
    recipe = find("simcse_mlm")
    assert recipe.auxiliaries == (MaskedLM(weight=0.1, probability=0.15, tied=False),)
    assert replace(recipe, auxiliaries=()) == find("simcse")


@pytest.mark.parametrize("name", ["simcse_sup", "consert", "consert_joint", "consert_sup_unsup", "mirror", "ct_batch"])
def test_a_card_says_that_duplicates_are_masked_where_the_released_code_does_not(name: str):
    recipe = find(name)
    assert isinstance(recipe.objective, InfoNCE)
    assert recipe.objective.mask_duplicates
    card = " ".join((import_module(f"simemb.train.{name}").__doc__ or "").split())
    assert "a text that occurs twice in a batch is no negative of itself" in card


class Rows(list[int]):
    """A table of which only the size matters."""

    def ids(self, column: int, rows: Sequence[int]) -> list[Any]:
        return [np.full(2, column, np.int32) for _ in rows]


@pytest.mark.parametrize(("rows", "name", "steps"), [(1_000_000, "simcse", 15_625), (275_601, "simcse_sup", 1_617)])
def test_the_steps_are_those_of_the_paper_with_the_last_partial_batch(rows: int, name: str, steps: int):
    recipe = find(name)
    material = TrainingData(TokenizedTexts(Rows(range(rows))))
    assert Loader(material, recipe, recipe.views, view_plan(recipe.views), seed=1).steps == steps
