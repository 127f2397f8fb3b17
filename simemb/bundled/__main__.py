"""Makes the bundled encoder anew: `python -m simemb.bundled OUTPUT`, in a checkout; some minutes on two cores.

A BERT of 2 layers x 128 with its language-modelling head. Vocabulary and weights are learnt from sentences of the
sample's grammar alone, by masked language modelling (Devlin et al., 2019, section 3.1). The grammar is not installed.
"""

import sys
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path

import torch
from torch import Tensor
from torch.nn.functional import cross_entropy
from transformers import BertForMaskedLM, PreTrainedTokenizerFast

from simemb.corpus.rows import open_rows
from simemb.encoder.untrained import SPECIAL, bert, learn_tokenizer
from simemb.method.auxiliaries import mask_tokens
from simemb.progress import track

GRAMMAR = "simemb.data.sample_grammar"
SENTENCES, SEED = 100_000, 7
VOCABULARY, LENGTH = 4000, 128
STEPS, BATCH, LEARNING_RATE = 6000, 128, 1e-3


def learn_model(tokenizer: PreTrainedTokenizerFast, sentences: list[str]) -> BertForMaskedLM:
    """A small BERT that has learnt to guess masked words of the sentences."""
    torch.manual_seed(SEED)
    model = bert(tokenizer, layers=2, width=128, heads=4, length=LENGTH).train()
    optimizer = torch.optim.AdamW(model.parameters(), lr=LEARNING_RATE, weight_decay=0.01)
    warm = STEPS // 20
    schedule = torch.optim.lr_scheduler.LambdaLR(
        optimizer, lambda step: min((step + 1) / warm, (STEPS - step) / (STEPS - warm))
    )
    with track("learning the bundled encoder", total=STEPS, unit="steps") as advance:
        for step in range(STEPS):
            rows = torch.randint(len(sentences), (BATCH,)).tolist()
            batch = tokenizer([sentences[row] for row in rows], padding=True, return_tensors="pt")
            loss = masked_loss(model, batch["input_ids"], batch["attention_mask"])
            loss.backward()
            optimizer.step()
            schedule.step()
            optimizer.zero_grad()
            advance(1)
            if step % 500 == 0 or step == STEPS - 1:
                sys.stderr.write(f"step {step}: loss {float(loss.detach()):.3f}\n")
    return model.eval()


def masked_loss(model: BertForMaskedLM, ids: Tensor, mask: Tensor) -> Tensor:
    """The mean cross-entropy of guessing 15 % of the ordinary tokens."""
    ordinary = ids.flatten() >= len(SPECIAL)
    masked, places = mask_tokens(ids.flatten(), ordinary, 0.15, SPECIAL.index("[MASK]"), model.config.vocab_size)
    hidden = model.bert(masked.view_as(ids), attention_mask=mask).last_hidden_state.flatten(0, 1)
    return cross_entropy(model.cls(hidden[places]), ids.flatten()[places])


def main(output: Path) -> None:
    """Write the encoder to `output`."""
    if find_spec(GRAMMAR) is None:
        sys.exit(f"{GRAMMAR} is not installed: clone the repository of simemb, `pip install -e .` there, and try again")
    sentences = import_module(GRAMMAR).sentences(SENTENCES, SEED)
    tokenizer = learn_tokenizer(open_rows(sentences), vocabulary=VOCABULARY, length=LENGTH)
    tokenizer.save_pretrained(output)
    learn_model(tokenizer, sentences).half().save_pretrained(output)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
