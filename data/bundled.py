"""The bundled sample: English texts in the folder `sample`, so that everything runs without data and network.

A grammar composed them: `data/sample_grammar` in the repository, which is not installed.
"""

from pathlib import Path

from simemb.corpus.rows import Rows, open_rows
from simemb.corpus.sources import Source

LICENSE = "Apache-2.0, as simemb"
CITATION = "composed by the grammar in data/sample_grammar of the repository"
PLAIN = (
    "A man is playing the guitar on a street corner.",
    "The orchestra rehearsed until late in the evening.",
    "Two dogs are running across a snowy field.",
    "A cat is asleep on the windowsill.",
    "The company's profits fell sharply last quarter.",
    "The central bank raised interest rates again.",
    "A cook is slicing onions in a restaurant kitchen.",
    "She baked fresh bread for the whole family.",
    "The team won the match in the last minute.",
    "Children are kicking a ball around in the park.",
    "Heavy rain flooded several streets in the city.",
    "Doctors advise drinking enough water in hot weather.",
)


def _rows(file: str) -> Rows:
    return open_rows(Path(__file__).parent / "sample" / file)


def _sentences(file: str) -> list[str]:
    return [sentence for (sentence,) in _rows(file).texts()]


def _classes(file: str) -> list[tuple[str, int]]:
    """Anchors and positives of triplets; all positives of an anchor say what it says."""
    classes: dict[str, int] = {}
    for anchor, positive, *_ in _rows(file).texts():
        classes[positive] = classes.setdefault(anchor, len(classes))
    return list(classes.items())


sample = Source(
    name="sample",
    description="20,000 sentences of the bundled sample, for trying things out",
    columns=("sentence",),
    generate=lambda: _sentences("sentences.txt.gz"),
    license=LICENSE,
    citation=CITATION,
)
sample_triplets = Source(
    name="sample_triplets",
    description="10,000 triplets of the bundled sample: anchor, paraphrase, contradiction",
    columns=("anchor", "positive", "negative"),
    generate=lambda: list(_rows("triplets.tsv.gz").texts()),
    license=LICENSE,
    citation=CITATION,
)
sample_pairs = Source(
    name="sample_pairs",
    description="10,000 scored pairs of the bundled sample for training; none is in sample_dev or sample_test",
    columns=("sentence1", "sentence2"),
    score="score",
    generate=lambda: list(_rows("pairs.tsv.gz").scored()),
    license=LICENSE,
    citation=CITATION,
)
sample_classes = Source(
    name="sample_classes",
    description="sentences of the bundled triplets with a class label each: the number of what they say",
    columns=("sentence",),
    score="score",
    generate=lambda: _classes("triplets.tsv.gz"),
    license=LICENSE,
    citation=CITATION,
)
sample_stories = Source(
    name="sample_stories",
    description="11,972 sentences of the bundled sample as running text: 2,000 stories of 4 to 8 sentences",
    columns=("sentence",),
    generate=lambda: _sentences("stories.txt.gz"),
    license=LICENSE,
    citation=CITATION,
)
sample_search = Source(
    name="sample_search",
    description="twelve plain sentences to search in",
    columns=("sentence",),
    generate=lambda: list(PLAIN),
    license=LICENSE,
    citation="written for simemb",
)
sample_dev = Source(
    name="sample_dev",
    description="1,000 scored pairs of the bundled sample for choosing a checkpoint",
    columns=("sentence1", "sentence2"),
    score="score",
    generate=lambda: list(_rows("dev.tsv.gz").scored()),
    license=LICENSE,
    citation=CITATION,
)
sample_test = Source(
    name="sample_test",
    description="1,000 scored pairs of the bundled sample for the final score",
    columns=("sentence1", "sentence2"),
    score="score",
    generate=lambda: list(_rows("test.tsv.gz").scored()),
    license=LICENSE,
    citation=CITATION,
)
