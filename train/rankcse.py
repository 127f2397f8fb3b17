"""RankCSE: SimCSE that also ranks the other sentences of the batch as its second pass and as its teachers do.

Liu et al., 2023, https://arxiv.org/abs/2305.16726: InfoNCE + the consistency of both passes' lists of similarities
(section 3.3) + ListNet against the lists of the guides (section 3.4). ListMLE, which learns their order alone, is the
other choice: `Sum((InfoNCE(0.05), Consistency(0.05), ListMLE(0.05)))`. Published averages of BERT-base on the seven STS
tasks: 80.05 (ListNet). Numbers: perceptiveshawty/RankCSE, a reimplementation, since the authors released no code:
BERT-base, batch 128, all weights 1, tau_2 = 0.05 and half of it for the teachers. Two teachers there, diffcse-bert-base
and unsup-simcse-bert-large, with a third and two thirds of the weight; the default here is `mini`, which ships:
`--guide voidism/diffcse-bert-base-uncased-sts princeton-nlp/unsup-simcse-bert-large-uncased --guide-weights 1 2`.

When to use it: plain sentences and a finished encoder, or two. What to watch: the teachers set the limit, and are read
once; `term_0` to `term_2` in metrics.jsonl are the three losses.
"""

from dataclasses import replace

from simemb import Consistency, InfoNCE, ListNet, Sum

from .simcse import recipe as simcse

recipe = replace(
    simcse,
    objective=Sum(
        (
            InfoNCE(temperature=0.05),
            Consistency(temperature=0.05),
            ListNet(temperature=0.05, teacher_temperature=0.025),
        )
    ),
    guide="mini",
    batch_size=128,
)
