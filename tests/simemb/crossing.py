"""A tiny cross-encoder with random weights, for what reads rerankers."""

from pathlib import Path
from typing import Any


def make_cross_encoder(path: Path, tokenizer: Any, *, labels: int = 1, seed: int = 3) -> Path:
    """A BERT with a head that gives a pair so many numbers, saved as transformers saves it."""
    import torch
    from transformers import BertConfig, BertForSequenceClassification

    torch.manual_seed(seed)
    sizes = {"hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 32}
    config = BertConfig(vocab_size=len(tokenizer), max_position_embeddings=48, num_labels=labels, **sizes)
    model = BertForSequenceClassification(config)
    with torch.no_grad():
        for weight in model.parameters():
            weight.add_(torch.randn(weight.shape) * 0.3)
    model.save_pretrained(path)
    tokenizer.save_pretrained(path)
    return path
