"""Chinese natural language inference as triplets: a premise, what it entails, and what it contradicts."""

from simemb.corpus.sources import Source

zh_nli = Source(
    name="zh_nli",
    description="12,622 Chinese triplets; OCNLI is native, XNLI translated by people, the rest by machine",
    path="zh/nli/triplets.tsv.gz",
    sha256="cbda0b81a5ec5555a0311e051e39ee35f77559df00d5fa2814148dbaa3152027",
    columns=("anchor", "positive", "negative"),
    license="by source: CC BY-NC 2.0 (OCNLI), CC BY-NC 4.0 (XNLI), none stated (CNSD-SNLI, CMNLI)",
    citation="CNSD, https://github.com/pluto-junzeng/CNSD; CMNLI, Xu et al. 2020; OCNLI, Hu et al. 2020; "
    "XNLI, Conneau et al. 2018",
)
