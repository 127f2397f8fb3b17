"""Lists for people: the texts that a search found, and names with a line about each."""

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING

from rich.box import SIMPLE_HEAD
from rich.table import Table

from simemb.report.terminal import print_table

if TYPE_CHECKING:
    from simemb.search.clusters import Cluster
    from simemb.search.hits import Hit
    from simemb.search.similar_pairs import SimilarPair


def print_hits(query: str, hits: Sequence["Hit"]) -> None:
    """The nearest texts of a query."""
    table = Table(title=_one_line(query), title_justify="left", box=SIMPLE_HEAD)
    table.add_column("rank", justify="right")
    table.add_column("cosine", justify="right", no_wrap=True)
    table.add_column("id", overflow="fold")
    table.add_column("text", overflow="fold")
    for hit in hits:
        table.add_row(str(hit.rank), f"{hit.score:z.4f}", _one_line(hit.id), _one_line(hit.text))
    print_table(table, whole=True)


def print_clusters(clusters: Sequence["Cluster"]) -> None:
    """Clusters with their size, their words and their central text."""
    table = Table(box=SIMPLE_HEAD)
    table.add_column("size", justify="right", no_wrap=True)
    table.add_column("words", overflow="fold")
    table.add_column("central text", overflow="fold")
    for cluster in clusters:
        table.add_row(str(len(cluster.members)), _one_line(", ".join(cluster.words)), _one_line(cluster.central.text))
    print_table(table, whole=True)


def print_pairs(pairs: Sequence["SimilarPair"]) -> None:
    """Pairs of texts with their cosine."""
    table = Table(box=SIMPLE_HEAD)
    table.add_column("cosine", justify="right", no_wrap=True)
    table.add_column("ids", overflow="fold")
    table.add_column("texts", overflow="fold")
    for pair in pairs:
        for cosine, item in ((f"{pair.cosine:z.4f}", pair.first), ("", pair.second)):
            table.add_row(cosine, _one_line(item.id), _one_line(item.text))
    print_table(table, whole=True)


def _one_line(text: str) -> str:
    """Tabs and line ends, whose width no table knows, as spaces."""
    return re.sub(r"\s", " ", text)


def print_list(what: str, rows: Sequence[tuple[str, ...]]) -> None:
    """Names, each with a line about it at the end of its row."""
    table = Table(title=what, title_justify="left", show_header=False, box=None)
    for _ in rows[0][:-1]:
        table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    for row in rows:
        table.add_row(*row)
    print_table(table, whole=True)
