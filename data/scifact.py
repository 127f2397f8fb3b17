"""Claims of SciFact's training set with the abstracts that bear on them: pairs for retrieval.

The abstract is read as the suite `retrieval` reads it: the title, a blank, the text. Claims with several abstracts make
several rows. The abstracts are part of the collection in which the claims of the test set are searched; the claims are
others.
"""

from collections.abc import Sequence

from simemb.corpus.rows import Rows
from simemb.corpus.sources import Source
from simemb.errors import DataError

LICENSE = "claims CC BY 4.0, abstracts ODC-By 1.0"
CITATION = "SciFact, Wadden et al. 2020, https://arxiv.org/abs/2004.14974; BEIR, Thakur et al. 2021"


def _pairs(collection: Rows, claims: Rows, judgments: Rows) -> Sequence[tuple[str, str]]:
    """Each claim of the judgments with its abstract, in order."""
    abstracts = {number: f"{title} {text}".strip() for number, title, text in collection.texts()}
    texts = dict(claims.texts())
    try:
        return [(texts[claim], abstracts[abstract]) for claim, abstract in judgments.texts()]
    except KeyError as error:
        raise DataError(f"{judgments.name} names {error.args[0]!r}, which no file of SciFact has") from None


def _part(name: str, sha256: str, *columns: str) -> Source:
    path = f"retrieval/scifact/{name}"
    return Source(
        name=path,
        description=f"{name} of SciFact, in BEIR layout",
        path=path,
        sha256=sha256,
        columns=columns,
        license=LICENSE,
        citation=CITATION,
    )


scifact = Source(
    name="scifact",
    description="919 pairs of a claim and a scientific abstract that bears on it, of SciFact's training set",
    columns=("anchor", "positive"),
    parts=(
        _part(
            "corpus.jsonl.gz",
            "54a5a3196c229e4a6e144efb05898f5658927a4b6b1d4dcaeef02ea6241f1235",
            "_id",
            "title",
            "text",
        ),
        _part("queries.jsonl", "154a75771a103d599b0fdeda71cc75f7eef24a414de06967d72b5bbb07df8e8a", "_id", "text"),
        _part(
            "qrels_train.tsv",
            "ac0902d9b1cb717df182aaff1306175877fdb8f55bb5c3e8597ad694fc8e539f",
            "query-id",
            "corpus-id",
        ),
    ),
    generate=_pairs,
    license=LICENSE,
    citation=CITATION,
    warning="has abstracts of the collection in which SciFact's test claims are searched",
)
