"""gsInfoNCE: random vectors as further negatives, which smooth the space between the sentences.

Wu et al., 2021, https://arxiv.org/abs/2109.04321 (COLING 2022): as `simcse`, with normally distributed vectors in the
denominator, new ones in each step. Numbers: BERT-base, caskcsg/sentemb gsInfoNCE/run.sh: 192 vectors, three batches of
64, with standard deviation 0.5, and dropout 0.2. Average of the seven STS tasks in the paper: 77.63 (SimCSE: 76.25).
The loss compares by cosines, so the deviation changes nothing; it is stated as the script has it.

When to use it: as `simcse`; the noise takes the place of a larger batch at no cost. What to watch: change it with the
batch (`--memory.size` = 3 x `--batch-size`). BERT-large and RoBERTa: see the script for learning rate and dropout.
"""

from dataclasses import replace

from simemb import Noise

from .simcse import recipe as simcse

recipe = replace(simcse, memory=Noise(size=192, std=0.5), dropout=0.2)
