"""The bundled sample: English composed by a grammar, so that everything runs without data and network."""

from simemb.corpus.sources import Source

from . import sample as grammar

LICENSE = "Apache-2.0, as simemb"
CITATION = "composed by simemb.data.sample"

sample = Source(
    name="sample",
    description="20,000 sentences of the bundled sample, for trying things out",
    columns=("sentence",),
    generate=lambda: grammar.sentences(20_000, 0),
    license=LICENSE,
    citation=CITATION,
)
sample_triplets = Source(
    name="sample_triplets",
    description="10,000 triplets of the bundled sample: anchor, paraphrase, contradiction",
    columns=("anchor", "positive", "negative"),
    generate=lambda: grammar.triplets(10_000, 0),
    license=LICENSE,
    citation=CITATION,
)
sample_pairs = Source(
    name="sample_pairs",
    description="10,000 graded pairs of the bundled sample for training; none is in sample_dev or sample_test",
    columns=("sentence1", "sentence2"),
    score="score",
    generate=lambda: grammar.pairs(10_000, 0),
    license=LICENSE,
    citation=CITATION,
)
sample_stories = Source(
    name="sample_stories",
    description="11,972 sentences of the bundled sample as running text: 2,000 stories of 4 to 8 sentences",
    columns=("sentence",),
    generate=lambda: [sentence for story in grammar.stories(2_000, 0) for sentence in story],
    license=LICENSE,
    citation=CITATION,
)
sample_dev = Source(
    name="sample_dev",
    description="graded pairs of the bundled sample for choosing a checkpoint",
    columns=("sentence1", "sentence2"),
    score="score",
    generate=lambda: grammar.dev_pairs(),
    license=LICENSE,
    citation=CITATION,
)
sample_test = Source(
    name="sample_test",
    description="graded pairs of the bundled sample for the final score",
    columns=("sentence1", "sentence2"),
    score="score",
    generate=lambda: grammar.test_pairs(),
    license=LICENSE,
    citation=CITATION,
)
