"""All three splits of SICK-R under one correlation, as in MTEB; other papers score the test split alone.

Marelli et al., LREC 2014; Muennighoff et al., 2023, MTEB, https://arxiv.org/abs/2210.07316.
"""

from simemb.evaluation.suite import Suite
from simemb.evaluation.tasks import Similarity

suite = Suite(
    name="sickr_full",
    description="SICK-R, all 9,927 pairs (train, dev and test) under one correlation, as in MTEB",
    tasks=(Similarity("sickr_full", {"train": "sickr", "dev": "sickr_dev", "test": "sickr_test"}),),
)
