"""Paraphrases: does the cosine separate pairs of sentences with one meaning from pairs that only share words?

The test split of MRPC (Dolan & Brockett, 2005, https://aclanthology.org/I05-5002), with nothing trained on its training
split: average precision, and the best F1 and accuracy that a threshold on the cosine reaches. The threshold is chosen
on the scored pairs themselves, so F1 and accuracy are slightly too high for every encoder.
"""

from simemb.corpus.sources import Source
from simemb.evaluation.suite import Suite
from simemb.evaluation.tasks import Binary

MRPC = Source(
    name="transfer/mrpc/test.tsv",
    description="pairs of sentences from the news, original text, labeled by whether they mean the same",
    columns=("sentence1", "sentence2"),
    score="label",
    path="transfer/mrpc/test.tsv",
    sha256="2dbd8794f9112ec29608a720f625a4d3a7aebdc22f380fef7981796ad91429dd",
    license="Microsoft Research terms",
    citation="Dolan & Brockett, 2005, https://aclanthology.org/I05-5002",
)

suite = Suite(
    name="paraphrase",
    description="MRPC test: average precision, area under the curve, best F1 and best accuracy of the cosine",
    tasks=(Binary("mrpc", {"test": MRPC}),),
    geometry=None,
    headline="average_precision",
)
