"""What every encoder does with its prompts: they are set, and put before queries and documents."""

from collections.abc import Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import Any, NamedTuple, Self

from simemb.arguments import checked
from simemb.encoder.prompts import Role, prompt_for
from simemb.encoder.vector_files import Vectors
from simemb.errors import ModelError, unknown


class Prompted:
    """Mixin of encoders: their prompts (`simemb.encoder.prompts`), and `encode` for queries and for documents."""

    prompts: Mapping[str, str] = MappingProxyType({})
    default_prompt: str | None = None

    @checked
    def set_prompts(
        self, prompts: Mapping[str, str], *, default: str | None = None, include_prompt: bool | None = None
    ) -> Self:
        """Give the encoder these prompts in place of its own; returns this encoder.

        prompts: texts by name. `query` is put before queries, `document` (or `passage`, `corpus`) before documents.
        default: the name of the one that is put before any text for which no other is asked for. include_prompt:
        whether the tokens of a prompt are pooled too; None: as it is. `save` writes them. Raises `ModelError` for what
        is no text by name, for a default without a text, and for `include_prompt` of a model that
        sentence-transformers runs.
        """
        for name, text in prompts.items():
            if not isinstance(name, str) or not isinstance(text, str):  # pyright: ignore[reportUnnecessaryIsInstance]
                raise ModelError(f"prompts must be texts by name, not {name!r:.40}: {text!r:.40}")
        if default is not None and default not in prompts:
            raise ModelError(unknown("prompt", default, prompts))
        if include_prompt is not None and not hasattr(self, "include_prompt"):
            name, runs = getattr(self, "name", "the encoder"), getattr(self, "runs", "is of another library")
            raise ModelError(f"{name} {runs}, where include_prompt cannot be chosen")
        self.prompts, self.default_prompt = dict(prompts), default
        if include_prompt is not None:
            self.include_prompt = include_prompt
        return self

    @checked
    def encode_query(
        self: Any,
        texts: str | Iterable[str],
        *,
        normalize: bool = False,
        truncate_dim: int | None = None,
        batch_size: int | None = None,
        progress: bool | None = None,
        prompt: str | None = None,
        prompt_name: str | None = None,
        devices: str | Sequence[str | int] | None = None,
    ) -> Vectors:
        """`encode` with the prompt of queries: the one called `query`, otherwise the default prompt.

        `prompt` or `prompt_name` choose another. The vectors are those of sentence-transformers' `encode_query`.
        """
        how = _Asked(normalize, truncate_dim, batch_size, progress, prompt, prompt_name, devices)
        return _encode(self, "query", texts, how)

    @checked
    def encode_document(
        self: Any,
        texts: str | Iterable[str],
        *,
        normalize: bool = False,
        truncate_dim: int | None = None,
        batch_size: int | None = None,
        progress: bool | None = None,
        prompt: str | None = None,
        prompt_name: str | None = None,
        devices: str | Sequence[str | int] | None = None,
    ) -> Vectors:
        """`encode` with the prompt of documents: `document`, `passage` or `corpus`, otherwise the default prompt.

        `prompt` or `prompt_name` choose another. The vectors are those of sentence-transformers' `encode_document`.
        """
        how = _Asked(normalize, truncate_dim, batch_size, progress, prompt, prompt_name, devices)
        return _encode(self, "document", texts, how)


class _Asked(NamedTuple):
    """The keywords of `encode`."""

    normalize: bool
    truncate_dim: int | None
    batch_size: int | None
    progress: bool | None
    prompt: str | None
    prompt_name: str | None
    devices: str | Sequence[str | int] | None


def _encode(encoder: Any, role: Role, texts: str | Iterable[str], asked: _Asked) -> Vectors:
    """`encode` with the prompt that was asked for, otherwise with that of the role."""
    if asked.prompt is None and asked.prompt_name is None:
        asked = asked._replace(prompt=prompt_for(encoder, role))
    return encoder.encode(texts, **asked._asdict())
