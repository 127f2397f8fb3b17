"""The seven transfer tasks of SentEval: the accuracy of a logistic regression on frozen sentence vectors.

Conneau & Kiela, 2018, https://arxiv.org/abs/1803.05449, table 1: movie and product reviews (MR, CR), subjectivity
(SUBJ), opinion of phrases (MPQA), sentiment (SST2), kinds of question (TREC), paraphrases (MRPC).
"""

from simemb.corpus.sources import Source
from simemb.evaluation.suite import Suite
from simemb.evaluation.tasks.classification import CrossValidated, Split

SINGLE = ("sentence",)
PAIR = ("sentence1", "sentence2")


def labeled(path: str, columns: tuple[str, ...], citation: str) -> Source:
    """The labeled sentences or pairs of one file of the data layout."""
    return Source(
        name=path,
        description="labeled text of a SentEval transfer task",
        columns=columns,
        score="label",
        path=path,
        license="for research; no formal license is known (MRPC: Microsoft Research terms)",
        citation=citation,
    )


def whole(name: str, citation: str) -> CrossValidated:
    """A task without splits: cross-validation."""
    return CrossValidated(name, labeled(f"transfer/{name}/all.tsv", SINGLE, citation))


def split(name: str, columns: tuple[str, ...], citation: str) -> Split:
    """A task with a training and a test split."""
    train, test = (labeled(f"transfer/{name}/{part}.tsv", columns, citation) for part in ("train", "test"))
    return Split(name, train, test)


SOCHER = "Socher et al., 2013, https://aclanthology.org/D13-1170"

suite = Suite(
    name="transfer",
    description="SentEval's transfer tasks: logistic regression on frozen vectors, accuracy",
    tasks=(
        whole("mr", "Pang & Lee, 2005, https://aclanthology.org/P05-1015"),
        whole("cr", "Hu & Liu, 2004, https://doi.org/10.1145/1014052.1014073"),
        whole("subj", "Pang & Lee, 2004, https://aclanthology.org/P04-1035"),
        whole("mpqa", "Wiebe et al., 2005, https://doi.org/10.1007/s10579-005-7880-9"),
        Split(
            "sst2",
            train=labeled("transfer/sst2/train.tsv.gz", SINGLE, SOCHER),
            test=labeled("transfer/sst2/test.tsv", SINGLE, SOCHER),
            dev=labeled("transfer/sst2/dev.tsv", SINGLE, SOCHER),
        ),
        split("trec", SINGLE, "Li & Roth, 2002, https://aclanthology.org/C02-1150"),
        split("mrpc", PAIR, "Dolan et al., 2004, https://aclanthology.org/C04-1051"),
    ),
    geometry=None,
    headline="accuracy",
    complete=False,
)
