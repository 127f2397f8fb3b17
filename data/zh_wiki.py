"""Chinese Wikipedia, one sentence a line."""

from simemb.corpus.sources import Source

zh_wiki = Source(
    name="zh_wiki",
    description="50,000 sentences of Chinese Wikipedia in simplified script, 12 to 150 characters, shuffled",
    path="zh/wiki/sentences.txt.gz",
    sha256="e0992737b5bf0df7a2293f9dbc7472f68aa6771ae588c772a75bd35680d696b3",
    columns=("sentence",),
    license="CC BY-SA",
    citation="Chinese Wikipedia",
)
