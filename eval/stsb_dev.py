"""The development split of STS-B, on which checkpoints and settings are chosen.

Cer et al., 2017, SemEval-2017 task 1, https://arxiv.org/abs/1708.00055.
"""

from simemb.evaluation.suite import Suite
from simemb.evaluation.tasks import Similarity

task = Similarity("stsb_dev", {"dev": "stsb_dev"})

suite = Suite(
    name="stsb_dev",
    description="STS-B dev, 1,500 pairs: choose checkpoints and settings here, never on a test split",
    tasks=(task,),
    # Not the whole STS-B: training measures it at every evaluation.
    geometry=task,
)
