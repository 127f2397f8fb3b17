"""SICK-R: English sentence pairs with their relatedness from 1 to 5."""

from simemb.corpus.sources import Source


def _split(name: str, description: str, file: str, sha256: str) -> Source:
    # The hub has no file of a single split: mteb/sickr-sts holds all 9,927 pairs in one.
    return Source(
        name=name,
        description=description,
        path=f"sts/sickr/{file}",
        sha256=sha256,
        columns=("sentence1", "sentence2"),
        score="score",
        license="CC BY-NC-SA 3.0",
        citation="Marelli et al., 2014, SemEval task 1, https://aclanthology.org/S14-2001",
    )


sickr = _split(
    "sickr",
    "4,500 scored pairs, the training split of SICK-R",
    "train.tsv",
    "88dbc618844a20072a0be0d8d796785c69c8ad87255e6d5588d13afb0f8308b0",
)
sickr_dev = _split(
    "sickr_dev",
    "500 scored pairs, the trial split of SICK-R",
    "dev.tsv",
    "c755c5f9b3b356fe9e7319d5cef2458f15a0e0cac647847590d405795bc89cfc",
)
sickr_test = _split(
    "sickr_test",
    "4,927 scored pairs, the test split of SICK-R",
    "test.tsv",
    "ce4ed1c9f72970979db18da3e51d0f9e0765684a9449a0fa4c2f4798bd0dd18a",
)
