"""STS-B: English sentence pairs with their similarity from 0 to 5, for training, validation and testing."""

from simemb.corpus.sources import Hub, Source


def _split(name: str, description: str, file: str, hub_file: str, sha256: str) -> Source:
    return Source(
        name=name,
        description=description,
        path=f"sts/stsb/{file}",
        sha256=sha256,
        columns=("sentence1", "sentence2"),
        score="score",
        hub=Hub(
            repo="mteb/stsbenchmark-sts",
            file=hub_file,
            revision="b0fddb56ed78048fa8b90373c8a3cfc37b684831",
            columns=("sentence1", "sentence2"),
            score="score",
        ),
        license="scores CC BY-SA 4.0; the texts have licenses of their own",
        citation="Cer et al., 2017, SemEval task 1, https://arxiv.org/abs/1708.00055",
    )


stsb = _split(
    "stsb",
    "5,749 scored pairs, the training split of STS-B",
    "train.tsv",
    "train.jsonl.gz",
    "80d5ef2fabf5428502b9e07f17f473b9cf27321afeecdbbb4f1f490b8c0d45d6",
)
stsb_dev = _split(
    "stsb_dev",
    "1,500 scored pairs, the development split of STS-B",
    "dev.tsv",
    "validation.jsonl.gz",
    "9847c811e123501874b7296eb2780c2e6864f19c51342590cc9db7abefe9840e",
)
stsb_test = _split(
    "stsb_test",
    "1,379 scored pairs, the test split of STS-B",
    "test.tsv",
    "test.jsonl.gz",
    "7ae303a68f47d373a930e901369b8ad94b32bba775ee1cf0be05ca450b3146cd",
)
