"""The sets that Chinese papers report: STS-B in Chinese, and pairs of texts labeled by whether they mean the same.

The score is Spearman's correlation over all pairs of the test split (AFQMC: the dev split, as its test labels are not
public). Sets with two classes also have the area under the curve, the best accuracy and similar measures.
"""

from dataclasses import replace

from simemb.corpus.sources import Source, scored_pairs
from simemb.evaluation.suite import Suite
from simemb.evaluation.tasks import Binary, Similarity


def scored(path: str, citation: str, license: str, sha256: str | None = None) -> Source:
    """The scored pairs of one file of the data layout."""
    description = "Chinese sentence pairs with a score"
    return scored_pairs(path, description, license=license, citation=citation, sha256=sha256)


def whole(folder: str, citation: str, license: str) -> Source:
    """The scored pairs of a folder of the data layout: its test split or, where nobody has split it, all of it."""
    source = scored(f"{folder}/test.tsv", citation, license)
    # The score is recognized by its name: Google's test_2k.tsv of PAWS-X calls it label.
    return replace(source, name=folder, score=None, otherwise=(f"{folder}/test_2k.tsv", f"{folder}/all.tsv"))


LCQMC = scored(
    "zh/lcqmc/test.tsv",
    "Liu et al., 2018, https://aclanthology.org/C18-1166",
    "research use",
    "9bde97a2e357aeb48a3326560281a552b549300aa92928487896e8cea0eb5796",
)
AFQMC = scored(
    "zh/afqmc/dev.tsv",
    "CLUE, Xu et al., 2020, https://arxiv.org/abs/2004.05986",
    "competition data of Ant Financial",
    "b217e4b03bee8d7db3d6ce9abd3a39102b4106fea9c383f8685a05ba22c97865",
)
PAWSX = whole("zh/pawsx", "Yang et al., 2019, https://arxiv.org/abs/1908.11828", "free for any use")
ATEC = whole("zh/atec", "ATEC 2018, the competition of Ant Financial", "competition data of Ant Financial")
BQ = whole("zh/bq", "Chen et al., 2018, https://aclanthology.org/D18-1536", "research use")

stsb = Similarity("stsb", {"test": "zh_stsb_test"})

suite = Suite(
    name="zh",
    description="Chinese STS-B, LCQMC, AFQMC (dev), PAWS-X, ATEC and BQ, as far as their data are present",
    tasks=(
        stsb,
        Binary("lcqmc", {"test": LCQMC}),
        Binary("afqmc", {"dev": AFQMC}),
        Binary("pawsx", {"pairs": PAWSX}),
        Binary("atec", {"pairs": ATEC}),
        Binary("bq", {"pairs": BQ}),
    ),
    geometry=stsb,
    complete=False,
)
