"""The seven STS tasks in SentEval's form, tokenized and lower-cased, on which SimCSE's numbers were computed.

Conneau & Kiela, 2018, https://arxiv.org/abs/1803.05449; SentEval does not lower-case SICK-R.
"""

from simemb.evaluation.suite import Suite
from simemb.evaluation.tasks import Similarity

from .sts import scored, years

suite = Suite(
    name="sts_senteval",
    description="the seven STS tasks, text tokenized and lower-cased as SentEval's download leaves it",
    tasks=(
        *years("sts_senteval"),
        Similarity("stsb", {"test": scored("sts_senteval/stsb/test.tsv")}),
        Similarity("sickr", {"test": "sickr_test"}),
    ),
)
