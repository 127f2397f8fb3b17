"""The sentence encoder: a BERT-family backbone, a pooling over its tokens and the modules after it.

It computes on ragged batches (`simemb.transformer.batch`): token-wise layers compute no padding.
"""

from collections.abc import Callable, Generator, Iterable, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import fields
from pathlib import Path
from threading import get_ident
from typing import Any

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from simemb import devices
from simemb.arguments import checked
from simemb.encoder import batching, limits, loading, names, positions, saving, token_states, tokenizer
from simemb.encoder.backbone import set_dropout, transformers_model
from simemb.encoder.evaluation_mode import evaluating, in_mode, is_evaluating
from simemb.encoder.external import ExternalEncoder
from simemb.encoder.fingerprint import fingerprint
from simemb.encoder.language_head import VocabularyHead
from simemb.encoder.parts import Parts
from simemb.encoder.pooling import check_pooling, pool
from simemb.encoder.precision import Precision, choose, computing
from simemb.encoder.publishing import Published
from simemb.encoder.self_check import choose_forward
from simemb.encoder.streaming import Encodes
from simemb.encoder.thread_locks import LOCKS
from simemb.encoder.vector_files import Vectors
from simemb.errors import ModelError
from simemb.texts import Texts
from simemb.transformer.bare_bert import BareBert
from simemb.transformer.batch import Batch
from simemb.transformer.forward import Transform


class Encoder(Encodes, Published, nn.Module):
    """A trainable sentence encoder; see `Encoder.load`.

    The arguments are the fields of `simemb.encoder.parts.Parts`.

    Attributes:
        fast: Whether `simemb.transformer.forward` computes the layers; otherwise the transformers model does.
        ragged: Whether the transformers model computes a batch without padding.
        apart: Whether sentences of different lengths are computed apart, since padding would change their vectors.
        quantized: The int8 layers after `quantize`, otherwise None.
        half_type: The half precision in which `encode` computes, otherwise None.
        states_by: If set, it is called in place of `eager_states` (`simemb.training.cuda_graphs` replays kernels so).
    """

    @checked
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
        prompts: Mapping[str, str] | None = None,
        default_prompt: str | None = None,
        include_prompt: bool = True,
        head: bool = False,
    ):
        super().__init__()
        self._modules["backbone"] = backbone
        self.tokenizer = tokenizer
        self.pooling = check_pooling(pooling)
        self.tail = nn.ModuleList(tail)
        self.name, self.source = name, source
        self.truncate_dim = truncate_dim
        self.sizes = sizes
        self.prompts: Mapping[str, str] = dict(prompts or {})
        self.default_prompt = default_prompt
        self.include_prompt = include_prompt
        self.head = head
        self.quantized: list[Any] | None = None
        self.half_type: torch.dtype | None = None
        self.states_by: Callable[..., tuple[Tensor, ...]] | None = None
        self.position_offset = positions.first(backbone)
        self.uncounted = positions.uncounted(backbone, tokenizer)
        self.max_length = min(length for length in (max_length, self.longest) if length)
        self._transforms_by_thread: dict[int, list[Transform]] = {}
        self.apart = False
        self.ragged = self.fast = isinstance(backbone, BareBert)
        self.eval()
        if not self.ragged:
            choose_forward(self)

    @property
    def backbone(self) -> Any:
        """The transformers model, which is built now if only its weights were loaded (see `complete`)."""
        self.complete()
        return self.network

    @property
    def network(self) -> Any:
        """The modules that hold the weights: a `BareBert`, or the transformers model once `backbone` has built it."""
        return self._modules["backbone"]

    def complete(self) -> "Encoder":
        """Build the transformers model around the weights of a `BareBert`, in place; returns this encoder.

        Loading leaves it out where it can: importing transformers' modeling code takes longer than all else before a
        first vector. Training, saving and `backbone` build it.
        """
        with LOCKS.modules:
            if isinstance(self.network, BareBert):
                # Checked as an encoder of its own, since other threads may encode with this one.
                whole = Encoder(transformers_model(self.network), self.tokenizer, pooling=self.pooling, name=self.name)
                self.fast, self.ragged, self.apart = whole.fast, whole.ragged, whole.apart
                self._modules["backbone"] = whole.network.train(self.training)
        return self

    @property
    def parts(self) -> Parts:
        """The current parts of this encoder."""
        return Parts(self.network, **{field.name: getattr(self, field.name) for field in fields(Parts)[1:]})

    @staticmethod
    @checked
    def load(
        model: str | Path = names.MINI,
        *,
        pooling: str | None = None,
        max_length: int | None = None,
        truncate_dim: int | None = None,
        revision: str | None = None,
        trust_remote_code: bool = False,
        precision: Precision | None = None,
        device: str = devices.AUTO,
        default_pooling: str = "mean",
    ) -> "Encoder | ExternalEncoder":
        """Load a directory or a hub name: any Hugging Face BERT-family model, any sentence-transformers model.

        model: by default `mini`, a small English encoder that ships with simemb. pooling: cls, cls_head (cls followed
        by the checkpoint's trained pooler), mean, max, first_last or last2; by default that of the directory. A bare
        checkpoint has none: it gets `default_pooling`, with a warning. precision: float32, bf16 or fp16 (half
        precision, where there is one), int8 (on a CPU, see `quantize`), or auto, half precision where its vectors agree
        with float32; by default float32 on a CPU, and auto on a GPU. device: auto (a GPU where there is one, otherwise
        the CPU), cpu, cuda, cuda:1, mps. Returns an `Encoder`, or an `ExternalEncoder` for a sentence-transformers
        model with modules that simemb does not implement; that one encodes but cannot be trained. Raises `ModelError`,
        and `DeviceError` for a device that is not there.
        """
        place = devices.find(device, cpu_only="precision int8" if precision == "int8" else "")
        asked: dict[str, Any] = {"pooling": pooling, "max_length": max_length, "truncate_dim": truncate_dim}
        asked |= {"revision": revision, "trust_remote_code": trust_remote_code, "precision": precision}
        loaded = loading.read(model, **asked, default_pooling=default_pooling)
        encoder = loaded if isinstance(loaded, ExternalEncoder) else Encoder(**vars(loaded))
        limits.check_asked(encoder, max_length=max_length, truncate_dim=truncate_dim)
        return choose(loading.placed(encoder, place), precision)

    @checked
    def quantize(self, sentences: Iterable[str] | None = None) -> "Encoder":
        """Quantize weights and activations to int8, in place; returns this encoder.

        sentences: a few hundred of the kind that will be encoded, by default sequences of random tokens. The ranges
        of activations are calibrated on them once, so a vector never depends on the other texts in its batch. A
        quantized encoder cannot be trained; `save` writes the float32 weights. Raises `ModelError` for families
        without int8 layers, on devices other than the CPU, and on processors without VNNI instructions.
        """
        from simemb.transformer import int8_calibration, int8_layers

        texts = None if sentences is None else list(Texts(sentences, "sentences", one="sentence"))
        int8_layers.check(self.backbone)
        self.eval().quantized = self.half_type = None
        token_ids = None if texts is None else self.tokenize(texts)[0]
        if token_ids is None:
            size = min(len(self.tokenizer), int(self.backbone.config.vocab_size))
            token_ids = int8_calibration.sequences(lambda texts: self.tokenize(texts)[0], size, self.max_length)
        self.quantized = int8_layers.quantize(self.backbone, token_ids, self.embed)
        return self

    @checked
    def train(self, mode: bool = True) -> "Encoder":
        """Like `torch.nn.Module.train`, but raises `ModelError` after `quantize`."""
        if mode and self.quantized is not None:
            raise ModelError("an encoder in int8 only encodes: load it with precision float32 to train it")
        return super().train(mode)

    @checked
    def save(
        self,
        directory: str | Path,
        *,
        overwrite: bool = False,
        training: str = "",
        language_head: VocabularyHead | None = None,
        records: Mapping[str, Any] | None = None,
    ) -> Path:
        """Write a sentence-transformers directory (safetensors only), atomically.

        overwrite: replace a model that simemb saved there, be it the one that this encoder was loaded from; nothing
        else is ever replaced. training, language_head, records: see `simemb.encoder.saving.save`. Raises `ModelError`
        if something is in the way or the directory cannot be written.
        """
        return saving.save(self.complete().parts, directory, training, language_head, records, overwrite=overwrite)

    @property
    def dim(self) -> int:
        """Length of the vectors."""
        return self.parts.dim

    @property
    def longest(self) -> int:
        """The most tokens per text that both the backbone and its tokenizer accept."""
        return positions.longest(self.network, self.tokenizer)

    @property
    def batch_tokens(self) -> int:
        """Tokens in one batch when encoding: as many as a CPU's caches hold, more on a GPU."""
        if self.quantized is not None:
            return batching.INT8_TOKENS
        return batching.TOKENS if devices.CPU in self.places else 2 * batching.TOKENS

    @property
    def device(self) -> torch.device:
        """The device of the weights."""
        return next(self.network.parameters()).device

    @checked
    def set_dropout(self, probability: float) -> None:
        """Set every dropout of the backbone, attention included. Raises `ModelError` outside [0, 1)."""
        set_dropout(self.backbone, probability)

    def fingerprint(self, *, exact: bool = True) -> str:
        """SHA-256 over the weights, the tokenizer and every setting that changes a vector.

        exact: half precision is such a setting; otherwise the encoder has the fingerprint that it has in float32.
        """
        quantized = (tensor for layer in self.quantized or () for tensor in layer.tensors())
        return fingerprint(self.parts, self.state_dict(), quantized, self.half_type if exact else None)

    def forward(self, batch: Batch, skip: int | Int[Tensor, "batch"] = 0) -> Float[Tensor, "batch dim"]:
        """One vector per sentence in the caller's order, with gradient.

        skip: the first tokens of each sentence that are not pooled, a prompt's (see `include_prompt`).
        """
        first_only = self.pooling == "cls" and isinstance(skip, int) and not skip
        states = self._states(batch, first_only=first_only)
        vectors = pool(states, batch, self.pooling, first_only=first_only, skip=skip)
        for module in in_mode(self.tail):
            vectors = module(vectors)
        return vectors[:, : self.truncate_dim] if self.truncate_dim else vectors

    def hidden_states(self, batch: Batch) -> tuple[Float[Tensor, "tokens dim"], ...]:
        """Hidden states of every token, of the layers that the pooling needs; the last layer comes last."""
        return self._states(batch, first_only=False)

    def _states(self, batch: Batch, *, first_only: bool) -> tuple[Float[Tensor, "rows dim"], ...]:
        # Recordings are for training: they have one set of buffers, and dropout.
        replayed = None if is_evaluating() else self.states_by
        return (replayed or self.eager_states)(batch, first_only=first_only)

    def eager_states(self, batch: Batch, *, first_only: bool) -> tuple[Float[Tensor, "rows dim"], ...]:
        """Like `hidden_states`; with `first_only` the last one holds the first token of each sentence only."""
        return token_states.compute(self, batch, self._transforms, first_only=first_only)

    @checked
    @contextmanager
    def intercept(self, transform: Transform) -> Generator[None, None, None]:
        """Inside this context `transform(tokens, batch)` replaces the output of the embedding layer.

        The output is the sum of word, position and type embeddings after LayerNorm and dropout. ConSERT's cutoff and
        adversarial perturbation apply at this point (`inputs_embeds` would be too early). Raises `ModelError` for a
        model whose embedding layer cannot be reached, or that has no batch at this point (see `apart`).
        """
        if self.apart or not hasattr(self.network, "embeddings"):
            family = self.network.config.model_type
            raise ModelError(f"{self.name} ({family}): its embedding layer cannot be augmented in a recipe")
        thread, before = get_ident(), self._transforms
        self._transforms_by_thread[thread] = [*before, transform]
        try:
            yield
        finally:
            self._transforms_by_thread[thread] = before

    @property
    def _transforms(self) -> list[Transform]:
        """What this thread intercepts with, in order."""
        return self._transforms_by_thread.get(get_ident(), [])

    @checked
    def tokenize(self, texts: Iterable[str], prompt: str = "") -> tuple[list[list[int]], int]:
        """Token ids of each text after the prompt, truncated to `max_length`, and the number of truncated texts."""
        return tokenizer.tokenize([prompt + text for text in Texts(texts)], self.tokenizer, self.max_length)

    @torch.inference_mode()
    def embed(self, sentences: Sequence[Sequence[int]], prompt: str = "") -> Vectors:
        """Vectors of a batch of tokenized sentences, without gradient; `prompt` is the one they were tokenized with."""
        skip = tokenizer.unpooled(prompt, self, self.max_length)
        with evaluating(), devices.current(self.device), computing(self):
            return self(Batch.collate(sentences).to(self.device), skip).float().cpu().numpy()
