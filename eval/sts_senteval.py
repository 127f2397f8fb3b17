"""The seven STS tasks in SentEval's form, tokenized and lower-cased, on which SimCSE's numbers are computed.

Conneau & Kiela, 2018, https://arxiv.org/abs/1803.05449; SentEval leaves the case of SICK-R as it is.
"""

from simemb.suites import Suite, Task

from .sts import scored, years

suite = Suite(
    name="sts_senteval",
    description="the seven STS tasks, text tokenized and lower-cased as SentEval's download leaves it",
    tasks=(
        *years("sts_senteval"),
        Task("stsb", {"test": scored("sts_senteval/stsb/test.tsv")}),
        Task("sickr", {"test": "sickr_test"}),
    ),
)
