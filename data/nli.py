"""Natural language inference as triplets: a premise, what it entails, and what it contradicts."""

from simemb.corpus.sources import Hub, Source

nli = Source(
    name="nli",
    description="47,365 triplets of premise, entailment and contradiction, all written by people",
    path="nli/triplets.tsv.gz",
    sha256="352bdfab234f1cceeb28a29d9b87a4ec11dead021d95d3caae17d3582fdb92a1",
    columns=("anchor", "positive", "negative"),
    hub=Hub(
        repo="princeton-nlp/datasets-for-simcse",
        file="nli_for_simcse.csv",
        revision="e145e8bb659b2aa2669f32ef79cb4cdef6c58fef",
        columns=("sent0", "sent1", "hard_neg"),
        note="the 275,601 SNLI and MultiNLI triplets that SimCSE trained on",
    ),
    license="by source: CC BY-SA 3.0 and 4.0, CC BY-NC 4.0 (XNLI), OANC (MultiNLI), none stated (LingNLI)",
    citation="LingNLI, Parrish et al. 2021; New Protocols, Bowman et al. 2020; MultiNLI, Williams et al. "
    "2018; SNLI, Bowman et al. 2015; XNLI, Conneau et al. 2018; revised SNLI, Kaushik et al. 2020",
)
