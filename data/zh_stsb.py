"""STS-B in Chinese (CNSD): translated by machine, partly corrected by people; scores are whole numbers from 0 to 5."""

from simemb.corpus.sources import Source


def _split(name: str, description: str, file: str, sha256: str) -> Source:
    return Source(
        name=name,
        description=description,
        path=f"zh/stsb/{file}",
        sha256=sha256,
        columns=("sentence1", "sentence2"),
        score="score",
        license="none stated; STS-B underneath",
        citation="CNSD, https://github.com/pluto-junzeng/CNSD; Cer et al., 2017",
    )


zh_stsb = _split(
    "zh_stsb",
    "5,231 scored pairs, the training split of STS-B in Chinese",
    "train.tsv",
    "c5e4850d5797d8fa7769ddd92f2694a59d8c111dd3cc4bc973897f45e5854e18",
)
zh_stsb_dev = _split(
    "zh_stsb_dev",
    "1,458 scored pairs, the development split of STS-B in Chinese",
    "dev.tsv",
    "422fa45cd550a77b731101d17a7560d9ee517a4d07144caa87116e76613bad93",
)
zh_stsb_test = _split(
    "zh_stsb_test",
    "1,361 scored pairs, the test split of STS-B in Chinese",
    "test.tsv",
    "54d9fb757c68081bc6bf63bc74b1a5b2b21c36bb8061676dfa5a3998341f8476",
)
