"""S-SimCSE: SimCSE whose dropout rates are drawn, so that sub-networks of different sizes give a sentence one vector.

Zhang & Lan, 2021, https://arxiv.org/abs/2111.11750: a dropout mask makes a sub-network of the encoder, whose expected
size is that of the rate; with rates drawn for each forward pass, those of all sizes learn to agree. Here each of the
two views has a pass of its own, with a rate that all dropouts of the backbone share. Departures: the range, uniform
around BERT's 0.1, is ours, as we know no released code; the paper's masks by sentence are left out, since our layers
take one rate for a pass. All else is `simcse`.

Published, BERT-base: more than one point above SimCSE on the STS tasks.

When to use it: in place of `simcse`, at the same cost. What to watch: high rates are hard to learn from; a narrower
range in a file of your own, `SampledDropout(0.05, 0.15)`, is nearer to `simcse`.
"""

from dataclasses import replace

from simemb import SampledDropout, View

from .simcse import recipe as simcse

drawn = (SampledDropout(lowest=0.0, highest=0.2),)

recipe = replace(simcse, views=(View(target=False, augment=drawn), View(online=False, augment=drawn)))
