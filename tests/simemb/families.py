"""Tiny models of every family, with random weights, and their tokenizer: all of it made in memory."""

from pathlib import Path
from typing import Any

import torch
import transformers
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors
from torch import Tensor, nn
from transformers import AutoModel, PreTrainedTokenizerFast

from simemb.encoder.encoder import Encoder

RAGGED = ("bert", "roberta", "xlm-roberta", "camembert", "distilbert", "albert", "electra", "ernie", "modernbert")
PADDED = ("mpnet", "deberta-v2")
FAMILIES = (*RAGGED, *PADDED)

WORDS = ("a", "man", "plays", "the", "guitar", "dog", "runs", "fast", "red", "sky", "we", "saw")
SENTENCES = (
    "a man plays the guitar",
    "dog",
    "the red dog runs fast and a man saw the sky",
    "we saw a red sky",
    "sky",
    "the man runs",
    "a dog a man a dog a man a dog a man a dog a man a dog a man",
)
_LETTERS = "abcdefghijklmnopqrstuvwxyz0123456789.,"
_BERT = {"pad_token": "[PAD]", "unk_token": "[UNK]", "cls_token": "[CLS]", "sep_token": "[SEP]", "mask_token": "[MASK]"}
_ROBERTA = {"cls_token": "<s>", "pad_token": "<pad>", "sep_token": "</s>", "unk_token": "<unk>", "mask_token": "<mask>"}
_ROBERTA_LIKE = ("roberta", "xlm-roberta", "camembert", "mpnet")

_SIZES = {
    "vocab_size": 120,
    "hidden_size": 32,
    "num_hidden_layers": 3,
    "num_attention_heads": 4,
    "intermediate_size": 48,
    "max_position_embeddings": 64,
}
# A token sees four neighbors on each side in two of three layers, and sentences here are longer.
_MODERN = {
    "local_attention": 8,
    "global_attn_every_n_layers": 3,
    "pad_token_id": 0,
    "bos_token_id": 2,
    "cls_token_id": 2,
    "eos_token_id": 3,
    "sep_token_id": 3,
}
_CONFIGS: dict[str, tuple[str, dict[str, Any]]] = {
    "bert": ("BertConfig", {}),
    "roberta": ("RobertaConfig", {"pad_token_id": 1, "type_vocab_size": 1}),
    "xlm-roberta": ("XLMRobertaConfig", {"pad_token_id": 1, "type_vocab_size": 1}),
    "camembert": ("CamembertConfig", {"pad_token_id": 1, "type_vocab_size": 1}),
    "distilbert": ("DistilBertConfig", {"dim": 32, "n_layers": 3, "n_heads": 4, "hidden_dim": 48}),
    "albert": ("AlbertConfig", {"embedding_size": 24, "pad_token_id": 0}),
    "electra": ("ElectraConfig", {"embedding_size": 24}),
    "ernie": ("ErnieConfig", {}),
    "modernbert": ("ModernBertConfig", _MODERN),
    "mpnet": ("MPNetConfig", {"pad_token_id": 1}),
    "deberta-v2": (
        "DebertaV2Config",
        {"relative_attention": True, "pos_att_type": ["p2c", "c2p"], "position_biased_input": False},
    ),
}


def make_config(family: str, **fields: Any) -> Any:
    """The configuration of a tiny model; fields override it."""
    name, own = _CONFIGS[family]
    return getattr(transformers, name)(**{**_SIZES, **own, **fields})


def make_backbone(family: str = "bert", *, seed: int = 0, pooler: bool = False, **fields: Any) -> Any:
    """A tiny model whose every weight is drawn, norms and biases too, so that nothing cancels."""
    torch.manual_seed(seed)
    config = make_config(family, **fields)
    without = {"add_pooling_layer": False} if not pooler and family not in _NO_POOLER else {}
    model = type(AutoModel.from_config(config))(config, **without).eval()
    with torch.no_grad():
        for name, weight in model.named_parameters():
            weight.normal_(0, 0.15).add_(1.0 if "norm" in name.lower() and name.endswith("weight") else 0.0)
    return model


_NO_POOLER = ("distilbert", "electra", "modernbert", "deberta-v2")


def make_tokenizer(family: str = "bert") -> PreTrainedTokenizerFast:
    """WordPiece over a few words and single characters, with the family's special tokens."""
    names = _ROBERTA if family in _ROBERTA_LIKE else _BERT
    pieces = [*names.values(), *_LETTERS, *(f"##{letter}" for letter in _LETTERS), *(w for w in WORDS if len(w) > 1)]
    vocabulary = {piece: number for number, piece in enumerate(pieces)}
    tokenizer = Tokenizer(models.WordPiece(vocabulary, unk_token=names["unk_token"]))
    tokenizer.normalizer = normalizers.BertNormalizer()
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.post_processor = processors.BertProcessing(
        (names["sep_token"], vocabulary[names["sep_token"]]), (names["cls_token"], vocabulary[names["cls_token"]])
    )
    return PreTrainedTokenizerFast(tokenizer_object=tokenizer, **names)


def make_encoder(
    family: str = "bert",
    *,
    pooling: str = "mean",
    tail: tuple[nn.Module, ...] = (),
    max_length: int | None = 32,
    truncate_dim: int | None = None,
    seed: int = 0,
    **fields: Any,
) -> Encoder:
    """A tiny encoder of a family."""
    return Encoder(
        make_backbone(family, seed=seed, **fields),
        make_tokenizer(family),
        pooling=pooling,
        tail=tail,
        max_length=max_length,
        name=f"tiny {family}",
        truncate_dim=truncate_dim,
    ).eval()


def padded_input(encoder: Encoder, texts: tuple[str, ...] = SENTENCES) -> tuple[Tensor, Tensor]:
    """Token ids and mask of a padded batch, as the tokenizer itself pads it."""
    output = encoder.tokenizer(
        list(texts), padding=True, truncation=True, max_length=encoder.max_length, return_tensors="pt"
    )
    return output["input_ids"], output["attention_mask"]


def padded_hidden_states(backbone: Any, ids: Tensor, mask: Tensor) -> tuple[Tensor, ...]:
    """What transformers itself gives for a padded batch, the embedding layer first."""
    return backbone(input_ids=ids, attention_mask=mask, output_hidden_states=True, return_dict=True).hidden_states


_SMALL = {name: size for name, size in _SIZES.items() if name != "num_attention_heads"}
_WIDTHS = {"vocab_size": 120, "d_model": 32}
ODD: dict[str, tuple[str, dict[str, Any]]] = {
    # padding or the next word changes a vector
    "fnet": ("FNetConfig", _SMALL),
    "convbert": ("ConvBertConfig", {**_SIZES, "embedding_size": 16}),
    "mobilebert": (
        "MobileBertConfig",
        {**_SIZES, "embedding_size": 16, "intra_bottleneck_size": 16, "true_hidden_size": 16},
    ),
    "nystromformer": ("NystromformerConfig", _SIZES),
    # right in a padded batch; each counts positions, names its sizes or limits its texts in its own way
    "xlnet": ("XLNetConfig", {**_WIDTHS, "n_layer": 2, "n_head": 4, "d_inner": 48}),
    "xlm": (
        "XLMConfig",
        {"vocab_size": 120, "emb_dim": 32, "n_layers": 2, "n_heads": 4, "max_position_embeddings": 64},
    ),
    "mra": ("MraConfig", _SIZES),
    "big_bird": ("BigBirdConfig", {**_SIZES, "block_size": 4, "num_random_blocks": 1}),
    "roformer": ("RoFormerConfig", _SIZES),
    "squeezebert": ("SqueezeBertConfig", {**_SIZES, "embedding_size": 32}),
    "gpt2": ("GPT2Config", {"vocab_size": 120, "n_positions": 64, "n_embd": 32, "n_layer": 2, "n_head": 4}),
    "t5": ("T5Config", {**_WIDTHS, "d_kv": 8, "d_ff": 48, "num_layers": 2, "num_heads": 4}),
    # refused
    "bart": ("BartConfig", {**_WIDTHS, "encoder_layers": 1, "decoder_layers": 1, "max_position_embeddings": 64}),
    "canine": ("CanineConfig", {name: size for name, size in _SIZES.items() if name != "vocab_size"}),
    "dpr": ("DPRConfig", _SIZES),
    "vit": ("ViTConfig", {"hidden_size": 32, "num_hidden_layers": 1, "num_attention_heads": 4, "image_size": 32}),
    "reformer": (
        "ReformerConfig",
        {
            "vocab_size": 120,
            "hidden_size": 32,
            "attention_head_size": 8,
            "num_attention_heads": 4,
            "feed_forward_size": 48,
            "max_position_embeddings": 64,
            "axial_pos_shape": [8, 8],
            "axial_pos_embds_dim": [16, 16],
            "local_attn_chunk_length": 8,
            "attn_layers": ["local"],
        },
    ),
}
"""Families that are not BERT's kin, as transformers makes them."""


def make_odd(family: str, path: Path) -> Path:
    """A checkpoint of a family of `ODD` with random weights, and its tokenizer."""
    torch.manual_seed(0)
    name, fields = ODD[family]
    model = AutoModel.from_config(getattr(transformers, name)(**fields)).eval()
    with torch.no_grad():
        for weight_name, weight in model.named_parameters():
            weight.normal_(0, 0.15).add_(1.0 if "norm" in weight_name.lower() and weight.ndim == 1 else 0.0)
    model.save_pretrained(path)
    make_tokenizer(family).save_pretrained(path)
    return path
