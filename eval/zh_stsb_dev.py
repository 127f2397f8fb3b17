"""The development split of Chinese STS-B, on which checkpoints of runs on Chinese text are chosen.

CNSD, https://github.com/pluto-junzeng/CNSD: STS-B of Cer et al., 2017, translated by machine and partly corrected.
"""

from simemb.evaluation.suite import Suite
from simemb.evaluation.tasks import Similarity

task = Similarity("zh_stsb_dev", {"dev": "zh_stsb_dev"})

suite = Suite(
    name="zh_stsb_dev",
    description="Chinese STS-B dev, 1,458 pairs: choose checkpoints and settings of Chinese runs here",
    tasks=(task,),
    geometry=task,
)
