"""Contrastive tension: two encoders that begin alike agree on the same sentence and disagree on different ones.

Carlsson et al., 2021, https://openreview.net/forum?id=Ov_sMNau-PF, section 4. As in the paper: two encoders with the
same weights at the start, both trained; dot products, binary cross-entropy, one positive to 7 negatives; mean pooling.
Numbers: FreddeFrallan/Contrastive-Tension: 16 sentences a batch, length 75, learning rate 1e-5, which falls in steps;
here it falls evenly, under AdamW, not RMSprop. A batch there is 2 positives and 14 negatives, each encoded for itself.
Here each of 16 sentences is encoded once by either encoder and meets itself and 7 others (see `ContrastiveTension`).
The sides are alike: each sentence has 7 negatives on either. So `best/` of a run is the encoder of the queries, at its
best dev score, and the other is in `twin/`; the released code keeps the better of the two, sentence-transformers one.

When to use it: sentences without labels; BERT-base scores 72.05 on average on STS (SimCSE, table 5). `ct_batch` learns
from all pairs of a batch. What to watch: it needs the memory of two encoders, and its dot products are not bounded.
"""

from dataclasses import replace

from simemb import ContrastiveTension, Twin

from .simcse import recipe as simcse

recipe = replace(
    simcse,
    head=None,
    objective=ContrastiveTension(per_positive=7),
    target=Twin(),
    pooling="mean",
    max_length=75,
    batch_size=16,
    learning_rate=1e-5,
)
