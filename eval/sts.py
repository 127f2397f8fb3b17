"""The seven semantic textual similarity tasks that the papers report, on the original text.

STS 2012-2016: Agirre et al., SemEval 2012 task 6, *SEM 2013, SemEval 2014 task 10, 2015 task 2, 2016 task 1.
STS-B: Cer et al., 2017, https://arxiv.org/abs/1708.00055. SICK-R: Marelli et al., LREC 2014.
"""

from simemb.suites import Suite, Task

# STS13 is without SMT, which is licensed, as in SentEval.
SUBSETS = {
    "sts12": ("MSRpar", "MSRvid", "SMTeuroparl", "surprise.OnWN", "surprise.SMTnews"),
    "sts13": ("FNWN", "headlines", "OnWN"),
    "sts14": ("deft-forum", "deft-news", "headlines", "images", "OnWN", "tweet-news"),
    "sts15": ("answers-forums", "answers-students", "belief", "headlines", "images"),
    "sts16": ("answer-answer", "headlines", "plagiarism", "postediting", "question-question"),
}


def tasks(folder: str) -> tuple[Task, ...]:
    """The seven tasks, with STS12-16 and STS-B from `folder` of the data layout."""
    years = (
        Task(year, {subset: f"{folder}/{year}/{subset}.tsv" for subset in subsets})
        for year, subsets in SUBSETS.items()
    )
    stsb = Task("stsb", {"test": f"{folder}/stsb/test.tsv"})
    sickr = Task("sickr", {"test": "sts/sickr/test.tsv"})
    return (*years, stsb, sickr)


suite = Suite(
    name="sts",
    description="STS12-16, STS-B test and SICK-R test (4,927 pairs), original text",
    tasks=tasks("sts"),
)
