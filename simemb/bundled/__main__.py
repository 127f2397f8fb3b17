"""Makes the bundled encoder anew: `python -m simemb.bundled OUTPUT`.

A BERT of 2 layers x 128 with seeded random weights, and a WordPiece vocabulary learnt from the bundled
sample corpus: nothing was downloaded, nothing trained.
"""

import sys
from importlib import import_module
from pathlib import Path

import torch
from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers
from transformers import BertConfig, BertModel, PreTrainedTokenizerFast

SPECIAL = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
VOCABULARY = 4000


def learn_tokenizer(sentences: list[str]) -> PreTrainedTokenizerFast:
    """An uncased WordPiece tokenizer with BERT's special tokens."""
    tokenizer = Tokenizer(models.WordPiece(unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.BertNormalizer(lowercase=True)
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.decoder = decoders.WordPiece()
    tokenizer.train_from_iterator(sentences, trainers.WordPieceTrainer(vocab_size=VOCABULARY, special_tokens=SPECIAL))
    ends = [(token, SPECIAL.index(token)) for token in ("[CLS]", "[SEP]")]
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", pair="[CLS] $A [SEP] $B:1 [SEP]:1", special_tokens=ends
    )
    names = dict(zip(("pad_token", "unk_token", "cls_token", "sep_token", "mask_token"), SPECIAL, strict=True))
    return PreTrainedTokenizerFast(tokenizer_object=tokenizer, model_max_length=128, **names)


def make_model(vocabulary: int) -> BertModel:
    """The untrained transformer, the same for everybody."""
    config = BertConfig(
        vocab_size=vocabulary,
        hidden_size=128,
        num_hidden_layers=2,
        num_attention_heads=4,
        intermediate_size=512,
        max_position_embeddings=128,
    )
    torch.manual_seed(0)
    return BertModel(config, add_pooling_layer=False)


def main(output: Path) -> None:
    """Write the encoder to `output`."""
    tokenizer = learn_tokenizer(import_module("simemb.data.sample").sentences(20_000, 0))
    tokenizer.save_pretrained(output)
    make_model(len(tokenizer)).half().save_pretrained(output)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
