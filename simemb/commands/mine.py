"""The verbs that prepare a training: `simemb new` makes a model to begin with, `simemb mine` triplets to learn from.

The options of both, as in `simemb.commands.parsing`, and what each does once they are read.
"""

import logging
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated

import tyro
from tyro.conf import Positional

from simemb.commands.parsing import parse
from simemb.search.mining_rules import Rules

log = logging.getLogger("simemb")


@dataclass(frozen=True)
class New:
    """Make an untrained BERT whose vocabulary is learnt from your texts.

    Then pre-train it on them, as a base of your own for contrastive training:

      simemb new runs/blank --data texts.txt
      simemb train mlm --model runs/blank --data texts.txt --output runs/base
    """

    output: Positional[Annotated[Path, tyro.conf.arg(metavar="OUTPUT")]]
    """The directory of the model."""
    data: str
    """A file, a corpus name (`simemb list corpora`) or - for standard input; all its text columns count."""
    vocabulary: int = 8000
    """Tokens at most. Chinese needs some 5000 for its characters alone."""
    layers: int = 4
    """Layers of the transformer."""
    width: int = 256
    """Width of a token's vector: a multiple of heads. The feed-forward layers are four times as wide."""
    heads: int = 4
    """Heads of attention."""
    length: int = 128
    """Tokens of the longest text that the model will take."""
    cased: bool = False
    """Keep upper case and accents."""
    columns: tuple[str, ...] = ()
    """The text columns of the data. By default recognized by name."""
    seed: int = 1
    """Decides the random weights."""
    overwrite: bool = False
    """Replace the model that is there."""


@dataclass(frozen=True)
class Mine:
    """Mine hard negatives: texts near an anchor that are not known to be right.

    Pairs become triplets, one line a negative, for supervised training:

      simemb mine runs/first pairs.tsv --output triplets.tsv
      simemb train simcse_sup --data triplets.tsv --output runs/second

    A text nearer to the anchor than its positive is likely right too, unmarked.

    So by default no negative is nearer; --relative-margin 0.05 keeps a distance.
    """

    model: Positional[Annotated[str, tyro.conf.arg(metavar="MODEL")]]
    """A run directory, a model directory or a hub name: it says what is near."""
    data: Positional[Annotated[str, tyro.conf.arg(metavar="DATA")]]
    """Pairs: a file or corpus with two text columns, anchor and positive. Sentences alone will not do: they do not
    say what is right."""
    output: Path
    """TRIPLETS.tsv (tabs and line ends in texts become blanks) or TRIPLETS.jsonl."""
    corpus: str | None = None
    """Where negatives are looked for: a file, a corpus name, or the directory of an index of the same model (`simemb
    index`). By default the positives of all rows."""
    columns: tuple[str, ...] = ()
    """Text columns of the data in role order: anchor, positive. By default recognized by name."""
    rules: Annotated[Rules, tyro.conf.arg(name="")] = field(default_factory=Rules)
    pooling: str | None = None
    """cls, cls_head, mean, max, first_last or last2; by default what the model says."""


def new(words: list[str]) -> None:
    """`simemb new OUTPUT --data TEXTS`."""
    chosen = parse(New, words, prog="simemb new")
    from simemb.encoder import untrained

    model = untrained.new(
        chosen.output,
        chosen.data,
        vocabulary=chosen.vocabulary,
        layers=chosen.layers,
        width=chosen.width,
        heads=chosen.heads,
        length=chosen.length,
        cased=chosen.cased,
        columns=chosen.columns or None,
        seed=chosen.seed,
        overwrite=chosen.overwrite,
    )
    log.info(
        "%s: an untrained BERT of %d layers x %d, %s weights, %d tokens; next: simemb train mlm --model %s --data %s",
        chosen.output,
        chosen.layers,
        chosen.width,
        f"{model.num_parameters():,}",
        model.config.vocab_size,
        chosen.output,
        chosen.data,
    )


def mine(words: list[str]) -> None:
    """`simemb mine MODEL DATA --output TRIPLETS`."""
    chosen = parse(Mine, words, prog="simemb mine")
    from simemb.encoder.encoder import Encoder
    from simemb.search import mining

    encoder = Encoder.load(chosen.model, pooling=chosen.pooling)
    summary = mining.mine(
        encoder,
        chosen.data,
        chosen.output,
        corpus=chosen.corpus,
        columns=chosen.columns or None,
        rules=chosen.rules,
    )
    log.info(
        "%s: %d triplets of %d rows (%d rows found no negative); mean similarity of positives %.3f, of negatives %.3f; "
        "next: simemb train simcse_sup --data %s",
        chosen.output,
        summary.triplets,
        summary.successes,
        summary.rows - summary.successes,
        summary.positive,
        summary.negative,
        chosen.output,
    )
