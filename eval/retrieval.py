"""Retrieval: the scientific abstracts that bear on a claim, and the other captions of the same photograph.

SciFact (Wadden et al., 2020, https://arxiv.org/abs/2004.14974) as in BEIR; captions of Multi30K's test_2016 (Elliott
et al., 2016). The path of any other folder in BEIR layout is a suite too.
"""

from simemb.evaluation.suite import Suite
from simemb.evaluation.tasks.retrieval import Retrieval

suite = Suite(
    name="retrieval",
    description="SciFact and image captions: nDCG@10, recall, MRR@10 and MAP, exact and through the index",
    tasks=(Retrieval("scifact", "scifact"), Retrieval("captions", "captions")),
    geometry=None,
    headline="ndcg@10",
    complete=False,
)
