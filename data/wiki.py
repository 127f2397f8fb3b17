"""English Wikipedia, one sentence a line: the usual text for unsupervised training."""

from simemb.corpus.sources import Hub, Source

wiki = Source(
    name="wiki",
    description="250,000 sentences of English Wikipedia, whole and without markup, shuffled",
    path="wiki/sentences.txt.gz",
    sha256="46f0199c5cfe19e627059c7308be29079ac79fdac06fb9ba62aa1392a3a8ab8d",
    columns=("sentence",),
    hub=Hub(
        repo="princeton-nlp/datasets-for-simcse",
        file="wiki1m_for_simcse.txt",
        revision="e145e8bb659b2aa2669f32ef79cb4cdef6c58fef",
        columns=("sentence",),
        note="the 1,000,000 lines that SimCSE trained on, headings and fragments included",
    ),
    license="CC BY-SA 3.0",
    citation="English Wikipedia; the million lines: Gao et al., 2021, https://arxiv.org/abs/2104.08821",
)
