"""The sentence encoder: a BERT-family backbone, a pooling over its tokens and what follows it.

It computes on ragged batches (`simemb.transformer.batch`): the token-wise layers see exactly the tokens there are.
"""

from collections.abc import Callable, Generator, Iterable, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from jaxtyping import Float
from torch import Tensor, nn

from simemb.encoder import loading, saving, streaming, tokenizer
from simemb.encoder.external import ExternalEncoder
from simemb.encoder.fingerprint import fingerprint
from simemb.encoder.parts import Parts
from simemb.encoder.pooling import LAYERS, check_pooling, pool
from simemb.encoder.streaming import Encodes, Precision
from simemb.encoder.vector_files import Vectors
from simemb.errors import ModelError
from simemb.transformer import forward
from simemb.transformer.bare_bert import BareBert
from simemb.transformer.batch import Batch
from simemb.transformer.cpu_ops import PLAIN
from simemb.transformer.forward import Transform

if TYPE_CHECKING:
    from simemb.encoder.language_head import VocabularyHead


class Encoder(Encodes, nn.Module):
    """A trainable sentence encoder; see `Encoder.load`.

    The arguments are the fields of `simemb.encoder.parts.Parts`.

    Attributes:
        fast: The layers are computed by `simemb.transformer.forward`, otherwise by the transformers model itself.
        ragged: The layers compute a batch without padding.
        quantized: After `quantize`, layers that compute in int8.
        states_by: If set, it computes the layers' states in place of `eager_states`, with the same arguments:
            `simemb.training.cuda_graphs` replays recorded kernels this way.
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
        sizes: tuple[int, ...] = (),
    ):
        super().__init__()
        self.backbone = backbone
        self.tokenizer = tokenizer
        self.pooling = check_pooling(pooling)
        self.tail = nn.ModuleList(tail)
        self.name = name
        self.source = source
        self.truncate_dim = truncate_dim
        self.sizes = sizes
        self.quantized: list[Any] | None = None
        self.states_by: Callable[..., tuple[Tensor, ...]] | None = None
        self.position_offset = _position_offset(backbone)
        self.max_length = min(length for length in (max_length, self.longest) if length)
        self._transforms: list[Transform] = []
        self.ragged = self.fast = isinstance(backbone, BareBert)
        if not self.ragged:
            self._check_ways()

    @classmethod
    def of(cls, parts: Parts) -> "Encoder":
        """The encoder that is made of these parts."""
        return cls(**{field.name: getattr(parts, field.name) for field in fields(Parts)})

    @property
    def parts(self) -> Parts:
        """What this encoder is made of, as it is now."""
        return Parts(**{field.name: getattr(self, field.name) for field in fields(Parts)})

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
        default_pooling: str = "mean",
        encode_only: bool = False,
    ) -> "Encoder | ExternalEncoder":
        """Load a directory or a hub name: any Hugging Face BERT-family model, any sentence-transformers model.

        pooling: cls, cls_head (the checkpoint's trained pooler on top), mean, max, first_last or last2; by default what
        the directory says. A bare checkpoint, which says nothing, gets `default_pooling`, with a notice. precision: int8
        encodes several times as fast on a CPU, close to the same vectors (see `quantize`). encode_only: the encoder will
        not be trained, so a `BareBert` will do, which is loaded sooner.
        Returns an `Encoder`, or an `ExternalEncoder` for a sentence-transformers model with modules that we do not
        know, which encodes but does not train. Raises `ModelError`.
        """
        loaded = loading.read(
            model,
            pooling=pooling,
            max_length=max_length,
            truncate_dim=truncate_dim,
            revision=revision,
            trust_remote_code=trust_remote_code,
            precision=precision,
            default_pooling=default_pooling,
            encode_only=encode_only,
        )
        if isinstance(loaded, ExternalEncoder):
            return loaded
        encoder = Encoder.of(loaded)
        return encoder.quantize() if precision == "int8" else encoder

    def quantize(self, sentences: Iterable[str] | None = None) -> "Encoder":
        """Compute in int8 from now on, weights and activations; this encoder itself is returned.

        sentences: a few hundred of the kind that will be encoded, by default sequences of random tokens; the ranges
        of activations are measured on them once, so a vector never depends on what is encoded beside it. What was
        quantized encodes and does not train; `save` writes the float32 weights. Raises `ModelError` for families
        other than BERT's, off the CPU, and on processors without VNNI instructions.
        """
        from simemb.transformer import int8_calibration, int8_layers

        int8_layers.check(self.backbone)
        if sentences is None:
            size = min(len(self.tokenizer), int(self.backbone.config.vocab_size))
            token_ids = int8_calibration.sequences(lambda texts: self.tokenize(texts)[0], size, self.max_length)
        else:
            token_ids = self.tokenize(list(sentences))[0]
        self.quantized = int8_layers.quantize(self.backbone, token_ids, self.embed)
        return self.eval()

    def train(self, mode: bool = True) -> "Encoder":
        """As torch's; refused after `quantize`."""
        if mode and self.quantized is not None:
            raise ModelError("an encoder in int8 only encodes: load it with precision float32 to train it")
        return super().train(mode)

    def save(
        self,
        directory: str | Path,
        *,
        training: str = "",
        language_head: "VocabularyHead | None" = None,
        records: Mapping[str, Any] | None = None,
    ) -> Path:
        """Write a sentence-transformers directory (safetensors only), replacing an older one atomically.

        training, language_head, records: see `simemb.encoder.saving.save`.
        """
        return saving.save(self.parts, directory, training, language_head, records)

    @property
    def dim(self) -> int:
        """Length of the vectors."""
        return self.parts.dim

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
        quantized = (tensor for layer in self.quantized or () for tensor in layer.tensors())
        return fingerprint(self.parts, self.state_dict(), quantized)

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

        states = hf_forward.hidden_states(
            self.backbone, batch, positions, self._transforms, ragged=self.ragged, every_layer=every_layer
        )
        return (states[-1].index_select(0, batch.firsts),) if first_only else states

    @torch.inference_mode()
    def _check_ways(self) -> None:
        """Set `ragged` and `fast` to what gives the vectors of a padded batch, on two sentences of unlike length.

        The families that allow it are listed; the check catches a release of transformers in which they no longer do.
        """
        from simemb.transformer import hf_forward

        self.ragged = self.fast = False
        if self.backbone.config.model_type not in hf_forward.VERIFIED_FAMILIES:
            return
        self.eval()
        batch = Batch.collate([[1, 2, 3, 4, 3, 2], [2, 3, 1]]).to(self.device)
        padded = self.hidden_states(batch)[-1]

        def agrees() -> bool:
            return torch.allclose(self.hidden_states(batch)[-1], padded, atol=1e-4, rtol=1e-4)

        own_attention = self.backbone.config._attn_implementation
        self.backbone.set_attn_implementation(hf_forward.NAME)
        self.ragged = True
        if not agrees():
            self.backbone.set_attn_implementation(own_attention)
            self.ragged = False
            return
        self.fast = not PLAIN and forward.layers_of(self.backbone) is not None
        self.fast = self.fast and agrees()

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

    def tokenize(self, texts: Sequence[str]) -> tuple[list[list[int]], int]:
        """Token ids of each text, cut to `max_length`, and how many texts had to be cut."""
        return tokenizer.tokenize(texts, self.tokenizer, self.max_length)

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


def _position_offset(backbone: Any) -> int:
    """RoBERTa and its kin count positions from padding_idx + 1; the others from 0."""
    padding = getattr(getattr(backbone, "embeddings", None), "padding_idx", None)
    return 0 if padding is None else int(padding) + 1
