"""The sentences of the STS sets without their scores: STS12 to STS16, STS-B and SICK-R, train, dev and test.

ConSERT trains on them (Yan et al., 2021, https://arxiv.org/abs/2105.11741, section 4.1). Its 89,192 sentences include
the pairs of STS15 and STS16 that have no score; this corpus has the scored pairs alone: 62,198 sentences, 29,525 of
them distinct. Repetitions are kept, as in ConSERT. The test texts are included, so a run on it is transductive.
"""

from collections.abc import Sequence

from simemb.corpus.rows import Rows
from simemb.corpus.sources import Source, scored_pairs

from .sickr import sickr, sickr_dev, sickr_test
from .stsb import stsb, stsb_dev, stsb_test

# The subsets of each year that the suite `sts` scores.
YEARS = {
    "sts12": ("MSRpar", "MSRvid", "SMTeuroparl", "surprise.OnWN", "surprise.SMTnews"),
    "sts13": ("FNWN", "headlines", "OnWN"),
    "sts14": ("deft-forum", "deft-news", "headlines", "images", "OnWN", "tweet-news"),
    "sts15": ("answers-forums", "answers-students", "belief", "headlines", "images"),
    "sts16": ("answer-answer", "headlines", "plagiarism", "postediting", "question-question"),
}


def _subset(path: str) -> Source:
    return scored_pairs(
        path,
        "scored pairs of a SemEval STS task",
        license="scores CC BY-SA 4.0; the texts have licenses of their own",
        citation="Agirre et al., SemEval 2012 to 2016, https://aclanthology.org/S16-1081",
    )


def _sentences(*sets: Rows) -> Sequence[str]:
    return [sentence for pairs in sets for pair in pairs.texts() for sentence in pair]


sts_texts = Source(
    name="sts_texts",
    description="62,198 sentences of STS12-16, STS-B and SICK-R without scores, test texts included (ConSERT)",
    columns=("sentence",),
    parts=(
        *(_subset(f"sts/{year}/{subset}.tsv") for year, subsets in YEARS.items() for subset in subsets),
        *(stsb, stsb_dev, stsb_test),
        *(sickr, sickr_dev, sickr_test),
    ),
    generate=_sentences,
    warning="contains the test texts of STS12-16, STS-B and SICK-R; runs on it are transductive",
    license="by source: the texts of STS12-16 and STS-B have licenses of their own, SICK is CC BY-NC-SA 3.0",
    citation="Agirre et al., SemEval 2012 to 2016; Cer et al., 2017; Marelli et al., 2014",
)
