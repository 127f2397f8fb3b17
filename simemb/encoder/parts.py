"""The parts of an encoder: what loading reads from a directory, and what saving writes to one."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from torch import nn

from simemb.encoder.modules import Dense


@dataclass(frozen=True)
class Parts:
    """Everything that a `simemb.encoder.encoder.Encoder` is made of.

    backbone: a transformers model, or a `BareBert`. pooling: a name of `simemb.encoder.pooling.LAYERS`. tail: modules
    that follow the pooling (`Dense`, `Normalize`). max_length: the most tokens of a text, special tokens included;
    None: as many as the backbone accepts. name: a path or a hub name. source: the directory of its checkpoint.
    truncate_dim: the number of leading dimensions that are kept; None: all. sizes: dimensions that the vectors were
    trained to be truncated to (Matryoshka). prompts: texts that may be put before others, by name (see
    `simemb.encoder.prompts`). default_prompt: the name of the one that is put there if none is asked for.
    include_prompt: whether the tokens of a prompt are pooled too. head: whether the first module of the tail is the
    checkpoint's own pooler (pooling `cls_head`).
    """

    backbone: Any
    tokenizer: Any
    pooling: str
    tail: Sequence[nn.Module] = ()
    max_length: int | None = None
    name: str = ""
    source: Path | None = None
    truncate_dim: int | None = None
    sizes: tuple[int, ...] = ()
    prompts: Mapping[str, str] = field(default_factory=dict)
    default_prompt: str | None = None
    include_prompt: bool = True
    head: bool = False

    @property
    def width(self) -> int:
        """Length of the vectors before they are truncated."""
        widths = [module.linear.out_features for module in self.tail if isinstance(module, Dense)]
        return widths[-1] if widths else int(self.backbone.config.hidden_size)

    @property
    def dim(self) -> int:
        """Length of the vectors."""
        return min(self.width, self.truncate_dim or self.width)
