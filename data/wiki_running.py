"""English Wikipedia as running text, in the order of the articles, so that the next sentence can be predicted.

These are the first lines of the million that SimCSE trained on: the title of an article, its sentences, the next title
(about every tenth line is a title). The share of pairs of lines with a common word of five letters or more is 48 % for
neighbors, 35 % for lines two apart, 4 % for lines a hundred apart and 3 % for any two. The sentence splitter also cut
at abbreviations ("H.H.", "Birt.").
"""

from simemb.corpus.sources import Source

wiki_running = Source(
    name="wiki_running",
    description="11,914 lines of English Wikipedia in the order of the articles, titles and fragments included",
    path="wiki/wiki1m_head.txt.gz",
    sha256="92c2f33cfabdfae60e1db971b9dee0055ec68e254b82f454c4221a084d52b8f2",
    columns=("sentence",),
    license="CC BY-SA 3.0",
    citation="English Wikipedia; the first lines of the million of Gao et al., 2021, https://arxiv.org/abs/2104.08821",
)
