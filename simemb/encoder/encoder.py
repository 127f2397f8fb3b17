"""The sentence encoder: a BERT-family backbone, a pooling over its tokens and what follows it.

It computes on ragged batches (`simemb.transformer.batch`): the token-wise layers see exactly the tokens there are.
"""

import hashlib
import json
from collections.abc import Callable, Generator, Iterable, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn

from simemb.encoder import streaming
from simemb.encoder import tokenizer as tokenizing
from simemb.encoder.modules import Dense
from simemb.encoder.pooling import LAYERS, check_pooling, pool
from simemb.encoder.streaming import Precision, Vectors
from simemb.errors import ModelError
from simemb.transformer import forward
from simemb.transformer.bare_bert import BareBert
from simemb.transformer.batch import Batch
from simemb.transformer.forward import Transform


class Encoder(nn.Module):
    """A trainable sentence encoder; see `Encoder.load`.

    backbone: a transformers model, or a `BareBert` of one, which only encodes. pooling: a name of
    `simemb.encoder.pooling.LAYERS`. tail: what follows the pooling (`Dense`, `Normalize`). max_length: tokens a text is cut
    to, special tokens included.
    name: how a person would call it. source: the checkpoint it came from, where a language-modelling head
    may still lie.
    truncate_dim: keep the first so many dimensions (Matryoshka), all by default.

    The attribute `sizes` holds the lengths that vectors were trained to be cut to, if there are any. With
    `fast` the layers are computed by `simemb.transformer.forward`, otherwise by the transformers model itself; after `quantize`
    `quantized` holds layers that compute in int8. `states_by` computes the layers' states in place of `eager_states`
    where it is set, with the same arguments: `simemb.training.cuda_graphs` replays recorded kernels this way.
    """

    def __init__(
        self,
        backbone: Any,
        tokenizer: Any,
        *,
        pooling: str = "mean",
        tail: Sequence[nn.Module] = (),
        max_length: int | None = None,
        name: str = "",
        source: Path | None = None,
        truncate_dim: int | None = None,
    ):
        super().__init__()
        self.backbone = backbone
        self.tokenizer = tokenizer
        self.pooling = check_pooling(pooling)
        self.tail = nn.ModuleList(tail)
        self.name = name
        self.source = source
        self.truncate_dim = truncate_dim
        self.sizes: tuple[int, ...] = ()
        self.quantized: list[Any] | None = None
        self.states_by: Callable[..., tuple[Tensor, ...]] | None = None
        self.position_offset = _position_offset(backbone)
        self.max_length = min(length for length in (max_length, self.longest) if length)
        self._transforms: list[Transform] = []
        self.ragged = self.fast = isinstance(backbone, BareBert)
        if not self.ragged:
            from simemb.transformer import hf_forward

            self.ragged, self.fast = hf_forward.agreeing(self)

    @staticmethod
    def load(
        model: str | Path,
        *,
        pooling: str | None = None,
        max_length: int | None = None,
        truncate_dim: int | None = None,
        revision: str | None = None,
        trust_remote_code: bool = False,
        precision: Precision = "float32",
    ) -> Any:
        """Load a directory or a hub name: any Hugging Face BERT-family model, any sentence-transformers model.

        pooling: cls, cls_head (the checkpoint's trained pooler on top), mean, max, first_last or last2.
        By default what the directory says; a bare checkpoint, which says nothing, gets mean with a notice.
        precision: int8 encodes several times as fast on a CPU, close to the same vectors (see `quantize`).
        Returns an `Encoder`, or a `simemb.encoder.external.ForeignEncoder` for a sentence-transformers model with
        modules we do not know, which encodes but does not train. Raises `ModelError`.
        """
        from simemb.encoder.loading import load

        return load(
            model,
            pooling=pooling,
            max_length=max_length,
            truncate_dim=truncate_dim,
            revision=revision,
            trust_remote_code=trust_remote_code,
            precision=precision,
        )

    def quantize(self, sentences: Iterable[str] | None = None) -> "Encoder":
        """Compute in int8 from now on, weights and activations; this encoder itself is returned.

        sentences: a few hundred of the kind that will be encoded, by default sequences of random tokens; the ranges
        of activations are measured on them once, so a vector never depends on what is encoded beside it. What was
        quantized encodes and does not train; `save` writes the float32 weights. Raises `ModelError` for families
        other than BERT's, off the CPU, and on processors without VNNI instructions.
        """
        from simemb.transformer.int8_layers import quantize

        self.quantized = quantize(self, sentences)
        return self.eval()

    def train(self, mode: bool = True) -> "Encoder":
        """As torch's; refused after `quantize`."""
        if mode and self.quantized is not None:
            raise ModelError("an encoder in int8 only encodes: load it with precision float32 to train it")
        return super().train(mode)

    def save(self, directory: str | Path) -> Path:
        """Write a sentence-transformers directory (safetensors only), replacing an older one atomically."""
        from simemb.encoder.saving import save

        return save(self, directory)

    @property
    def dim(self) -> int:
        """Length of the vectors."""
        widths = [module.linear.out_features for module in self.tail if isinstance(module, Dense)]
        width = widths[-1] if widths else int(self.backbone.config.hidden_size)
        return min(width, self.truncate_dim or width)

    @property
    def longest(self) -> int:
        """The most tokens that the backbone and its tokenizer take."""
        positions = int(getattr(self.backbone.config, "max_position_embeddings", 0) or 512) - self.position_offset
        return min(positions, int(self.tokenizer.model_max_length))

    @property
    def batch_tokens(self) -> int:
        """Tokens that are best computed at once: a GPU wants many, a processor as many as its caches hold."""
        if self.quantized is not None:
            from simemb.transformer import int8_layers

            return int8_layers.TOKENS
        return streaming.TOKENS if self.device.type == "cpu" else 2 * streaming.TOKENS

    @property
    def device(self) -> torch.device:
        """Where the weights are."""
        return next(self.backbone.parameters()).device

    def set_dropout(self, probability: float) -> None:
        """Set every dropout of the backbone, attention included."""
        for module in self.backbone.modules():
            if isinstance(module, nn.Dropout):
                module.p = probability
            elif isinstance(getattr(module, "attention_dropout", None), float):
                module.attention_dropout = probability

    def fingerprint(self) -> str:
        """SHA-256 over the weights, the tokenizer and every setting that changes a vector."""
        digest = hashlib.sha256()
        settings = (self.pooling, [str(module) for module in self.tail], self.max_length, self.truncate_dim)
        digest.update(repr(settings).encode())
        for layer in self.quantized or ():
            for tensor in layer.tensors():
                digest.update(tensor.numpy().data)
        digest.update(_config_content(self.backbone.config).encode())
        digest.update(tokenizing.content(self.tokenizer).encode())
        for name, tensor in sorted(self.state_dict().items()):
            digest.update(name.encode())
            digest.update(tensor.detach().cpu().contiguous().view(-1).view(torch.uint8).numpy().data)
        return digest.hexdigest()

    # ---- computing -------------------------------------------------------------------------------

    def forward(self, batch: Batch) -> Float[Tensor, "batch dim"]:
        """One vector per sentence in the caller's order, with gradient."""
        first_only = self.pooling == "cls"
        vectors = pool(self._states(batch, first_only=first_only), batch, self.pooling, first_only=first_only)
        for module in self.tail:
            vectors = module(vectors)
        return vectors[:, : self.truncate_dim] if self.truncate_dim else vectors

    def hidden_states(self, batch: Batch) -> tuple[Float[Tensor, "tokens dim"], ...]:
        """What the layers give for every token: the layers that the pooling needs, the last one at the end."""
        return self._states(batch, first_only=False)

    def _states(self, batch: Batch, *, first_only: bool) -> tuple[Float[Tensor, "rows dim"], ...]:
        return (self.states_by or self.eager_states)(batch, first_only=first_only)

    def eager_states(self, batch: Batch, *, first_only: bool) -> tuple[Float[Tensor, "rows dim"], ...]:
        """The layers that the pooling needs; with `first_only` the last holds the first token of each sentence."""
        every_layer = LAYERS[self.pooling] != (-1,)
        positions = batch.positions + self.position_offset
        known = self.quantized or (forward.layers_of(self.backbone) if self.fast else None)
        if known is not None:
            transforms = self._transforms
            return forward.hidden_states(
                self.backbone, known, batch, positions, transforms, every_layer=every_layer, first_only=first_only
            )
        from simemb.transformer import hf_forward

        states = hf_forward.hidden_states(self, batch, positions, self._transforms, every_layer=every_layer)
        return (states[-1].index_select(0, batch.firsts),) if first_only else states

    @contextmanager
    def intercept(self, transform: Transform) -> Generator[None, None, None]:
        """Inside this context `transform(tokens, batch)` replaces the output of the embedding layer.

        It sees the sum of word, position and type embeddings after LayerNorm and dropout, exactly where
        ConSERT cuts and attacks (`inputs_embeds` would be too early).
        """
        self._transforms.append(transform)
        try:
            yield
        finally:
            self._transforms.remove(transform)

    # ---- text in, vectors out --------------------------------------------------------------------

    def encode(
        self,
        texts: str | Iterable[str],
        *,
        normalize: bool = False,
        truncate_dim: int | None = None,
        batch_size: int | None = None,
        progress: bool | None = None,
    ) -> Vectors:
        """Float32 vectors [texts, dim] in the order given, or [dim] for a single string.

        texts: a list, an iterator or a column of a `datasets` object, of any length. normalize: to unit
        length. truncate_dim: keep the first so many dimensions (before normalizing). batch_size: at most so
        many texts at once; by default as many as fill a budget of tokens. progress: a bar with rate and
        time left; by default where a person watches and it takes a while. Texts longer than `max_length`
        tokens are cut, counted and reported once. Raises `DataError` for what is not text.
        """
        options = streaming.Options(normalize, truncate_dim, batch_size, progress)
        return streaming.encode(self, texts, options)

    def encode_to_file(
        self,
        texts: Iterable[str],
        path: str | Path,
        *,
        normalize: bool = False,
        truncate_dim: int | None = None,
        batch_size: int | None = None,
        progress: bool | None = None,
    ) -> int:
        """Like `encode`, streaming: any number of texts in constant memory; returns how many there were.

        path: .npy (float32 [texts, dim], to be read with `numpy.load(path, mmap_mode="r")`) or .parquet
        (columns text and embedding). It appears only when it is whole.
        """
        options = streaming.Options(normalize, truncate_dim, batch_size, progress)
        return streaming.encode_to_file(self, texts, Path(path), options)

    def tokenize(self, texts: Sequence[str]) -> tuple[list[list[int]], int]:
        """Token ids of each text, cut to `max_length`, and how many texts had to be cut."""
        return tokenizing.tokenize(texts, self.tokenizer, self.max_length)

    @torch.inference_mode()
    def embed(self, sentences: Sequence[Sequence[int]]) -> Vectors:
        """Vectors of sentences given as token ids, without dropout; one batch."""
        was_training = self.training
        self.eval()
        try:
            vectors = self(Batch.collate(sentences).to(self.device))
        finally:
            self.train(was_training)
        return vectors.float().cpu().numpy()


def _config_content(config: Any) -> str:
    """The configuration without what does not change a vector."""
    mute = ("_name_or_path", "architectures", "dtype", "output_hidden_states", "transformers_version", "use_cache")
    settings = {name: value for name, value in config.to_dict().items() if name not in mute}
    return json.dumps(settings, sort_keys=True, default=str)


def _position_offset(backbone: Any) -> int:
    """RoBERTa and its kin count positions from padding_idx + 1; the others from 0."""
    padding = getattr(getattr(backbone, "embeddings", None), "padding_idx", None)
    return 0 if padding is None else int(padding) + 1
