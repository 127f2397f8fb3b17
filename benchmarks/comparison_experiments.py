"""What is compared: every recipe, the claims of the papers, domains without labels, and bases."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

STEPS, BATCH, LENGTH = 1000, 64, 32
"""The budget of every run: optimizer steps, examples in each, tokens of a text."""
RATES = (3e-5, 1e-4, 3e-4)
"""Learning rates of the sweep, with seed 1 and on STS-B dev alone."""
SEEDS = (1, 2, 3)

REFERENCE = "simcse"
"""The method that all others are tested against, beside the base."""
DOMAINS = ("scifact", "captions")
DOMAIN_METHODS = ("simcse", "crop", "tsdae", "barlow", "mlm")
CANDIDATES = ("tiny", "base", "minilm-l4-mlm")
BASES = ("base", "half", "minilm-l4-mlm")
BASE_METHODS = ("simcse", "esimcse", "consert", "barlow", "crop")

RUNNING = ("cpc", "contriever", "declutr")
"""Recipes that take spans of running text."""
TRIPLETS = ("simcse_sup", "matryoshka", "two_tower", "consert_joint", "gist", "triplet_margin")
SCORED = ("cosent", "cosine", "angle")
LEFT_OUT = {
    "supcon": "learns from classes, which say little of similarity",
    "triplet": "learns from classes, which say little of similarity",
    "margin_mse": "distils a reranker, on triplets",
    "distil_reranker": "distils a reranker, on triplets",
    "consert_sup_unsup": "goes on from a run with labels",
    "cached": "is simcse_sup with its batch in chunks",
}
"""Recipes that stand outside, with the reason."""


@dataclass(frozen=True)
class Experiment:
    """A recipe on data, with fields changed.

    part: choice, methods, claims, domains or bases. rate_of: the experiment whose sweep gives the learning rate; by
    default its own. changes: of the recipe, as `comparison_runs.changed` reads them.
    """

    name: str
    part: str
    recipe: str
    data: str = "wiki"
    base: str = "tiny"
    rate_of: str = ""
    changes: Mapping[str, Any] = field(default_factory=dict)

    @property
    def swept(self) -> str:
        """The name of the experiment that chooses the learning rate."""
        return self.rate_of or self.name


def methods(recipes: list[str]) -> list[Experiment]:
    """One experiment for each recipe."""
    first = sorted(recipes, key=lambda recipe: recipe != REFERENCE)  # the others are tested against it
    return [_method(recipe) for recipe in first if recipe not in LEFT_OUT]


def _method(recipe: str) -> Experiment:
    data = {**dict.fromkeys(RUNNING, "wiki_running"), **dict.fromkeys(TRIPLETS, "nli"), **dict.fromkeys(SCORED, "stsb")}
    return Experiment(recipe, "methods", recipe, data.get(recipe, "wiki"))


def claims() -> list[Experiment]:
    """The recipes of the papers with one thing changed."""

    def claim(name: str, recipe: str, data: str = "wiki", **changes: Any) -> Experiment:
        return Experiment(name, "claims", recipe, data, rate_of=recipe, changes=changes)

    return [
        claim("dropout-fixed", "simcse", fixed_dropout=True),
        *(claim(f"dropout-{rate}", "simcse", dropout=rate) for rate in (0.0, 0.2)),
        *(claim(f"repeat-{rate}", "simcse", repeat=rate) for rate in (0.16, 0.32)),
        *(claim(f"queue-{size}", "esimcse", queue=size) for size in (64, 640)),
        *(claim(f"consert-{name}", "consert", second=name) for name in AUGMENTATIONS),
        claim("hard-none", "simcse_sup", "nli", pairs=True),
        *(claim(f"hard-{alpha}", "simcse_sup", "nli", alpha=alpha) for alpha in (0.5, 2.0)),
        claim("guided", "simcse", "wiki", guided=True),
    ]


AUGMENTATIONS = ("none", "Shuffle", "TokenCutoff", "FeatureCutoff", "ElementDropout")

CLAIMS: dict[str, tuple[str, ...]] = {
    "Dropout makes the two views (SimCSE, table 2)": ("simcse", "dropout-fixed", "dropout-0.0", "dropout-0.2"),
    "Repetition removes the length bias (ESimCSE, table 1)": ("simcse", "repeat-0.16", "repeat-0.32", "esimcse"),
    "How long a queue (ESimCSE, section 4)": ("simcse", "queue-64", "esimcse", "queue-640"),
    "Which augmentation (ConSERT, figure 4)": (*(f"consert-{name}" for name in AUGMENTATIONS), "consert"),
    "Hard negatives and their weight (SimCSE, tables 4 and 9)": ("hard-none", "hard-0.5", "simcse_sup", "hard-2.0"),
    "Two crops or dropout (Gonzalez-Marquez et al., 2025)": ("simcse", "crop"),
    "What a guide brings (DCLR; GISTEmbed)": ("simcse", "guided", "denoise", "simcse_sup", "gist"),
}
"""Each claim with the experiments that test it."""


def domains() -> list[Experiment]:
    """Methods without labels on a domain's own texts; the learning rate is that of the sweep on wiki."""
    return [
        Experiment(f"{domain}-{recipe}", "domains", recipe, domain, rate_of=recipe)
        for domain in DOMAINS
        for recipe in DOMAIN_METHODS
    ]


def bases() -> list[Experiment]:
    """The same methods from other bases, each with a sweep of its own."""
    return [Experiment(f"{base}-{recipe}", "bases", recipe, base=base) for base in BASES for recipe in BASE_METHODS]


def candidates() -> list[Experiment]:
    """Plain SimCSE from every base that the comparison could stand on."""
    return [Experiment(f"simcse-from-{base}", "choice", "simcse", base=base) for base in CANDIDATES]


def experiments() -> dict[str, Experiment]:
    """All, by name, in the order in which they run."""
    from simemb.cookbook import RECIPES, names

    every = (*candidates(), *methods(list(names(RECIPES))), *claims(), *domains(), *bases())
    return {experiment.name: experiment for experiment in every}
