"""The seven semantic textual similarity tasks that the papers report, on the original text.

Agirre et al., 2012-2016 (STS12 to STS16); Cer et al., 2017 (STS-B); Marelli et al., 2014 (SICK-R).
"""

from simemb.corpus.sources import Source, scored_pairs
from simemb.evaluation.suite import Suite
from simemb.evaluation.tasks import Similarity

# STS13 lacks SMT, whose text is not free, as in SentEval.
YEARS = {
    "sts12": ("MSRpar", "MSRvid", "SMTeuroparl", "surprise.OnWN", "surprise.SMTnews"),
    "sts13": ("FNWN", "headlines", "OnWN"),
    "sts14": ("deft-forum", "deft-news", "headlines", "images", "OnWN", "tweet-news"),
    "sts15": ("answers-forums", "answers-students", "belief", "headlines", "images"),
    "sts16": ("answer-answer", "headlines", "plagiarism", "postediting", "question-question"),
}


def scored(path: str) -> Source:
    """The scored pairs of one file of the data layout."""
    return scored_pairs(
        path,
        "scored pairs of a SemEval STS task",
        license="scores CC BY-SA 4.0; the texts have licenses of their own",
        citation="Agirre et al., SemEval 2012 to 2016, https://aclanthology.org/S16-1081",
    )


def years(folder: str) -> tuple[Similarity, ...]:
    """STS12 to STS16, from a folder of the data layout."""
    return tuple(
        Similarity(year, {subset: scored(f"{folder}/{year}/{subset}.tsv") for subset in subsets})
        for year, subsets in YEARS.items()
    )


suite = Suite(
    name="sts",
    description="STS12-16, STS-B test and SICK-R test (4,927 pairs), original text",
    tasks=(*years("sts"), Similarity("stsb", {"test": "stsb_test"}), Similarity("sickr", {"test": "sickr_test"})),
)
