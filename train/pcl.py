"""PCL: the positives of a sentence are several augmentations of it, so that no one of them can be a shortcut.

Wu et al., 2022, https://arxiv.org/abs/2201.12093: the sentence itself under another dropout mask, its tokens shuffled,
reversed, a fifth of them deleted, or a fifth repeated. Numbers: BERT-base, qiyuw/PeerCL, run_unsup_pcl.sh: batch 256,
the rest as `simcse`. Average of the seven STS tasks: 78.42 in the paper, 78.11 in its repository (SimCSE: 76.25). This
is the group of peer positives only, each told from the other sentences under the same augmentation; the loss is the
mean over the five. Left out are the second network, whose softmax over the group each network must match, and the
binary cross-entropy by which the released code adds the peers to SimCSE's own loss. Repetition repeats up to a fifth
of the tokens where they stand (`Repeat`), there exactly a fifth at random places.

When to use it: as `simcse`, on texts whose order of words says little. What to watch: a step encodes six views, so it
costs three times one of `simcse`, and a batch of 256 needs the memory (`--chunk 64`).
"""

from dataclasses import replace

from simemb import Delete, Repeat, Reverse, Shuffle, View

from .simcse import recipe as simcse

recipe = replace(
    simcse,
    views=(
        View(target=False),
        View(online=False),
        View(online=False, augment=(Shuffle(special=False),)),
        View(online=False, augment=(Reverse(),)),
        View(online=False, augment=(Delete(rate=0.2),)),
        View(online=False, augment=(Repeat(rate=0.2, count="paper"),)),
    ),
    batch_size=256,
)
