"""How fast is `mini`, the encoder that ships, beside the model that most people take?

    python benchmarks/bundled.py PATH/all-MiniLM-L6-v2 [--texts 2000] [--rounds 5]

`mini` in simemb beside all-MiniLM-L6-v2 in sentence-transformers, both at their defaults, on the same texts and
threads, by turns. The models differ, so this does not compare two libraries (encoding.py does): it is what changing
from one to the other gives. Of long texts `mini` reads 512 tokens, the other 256.
Results: benchmarks/results/bundled.json.
"""

from functools import partial

from models import arguments, prepare
from record import add
from texts import KINDS, texts
from timing import alternate, clock


def main() -> None:
    """Measure every kind of text."""
    parser = arguments(__doc__, rounds=5)
    parser.add_argument("--texts", type=int, default=2000)
    parser.add_argument("--kinds", nargs="+", default=list(KINDS), choices=KINDS)
    options = parser.parse_args()
    prepare(options)
    from sentence_transformers import SentenceTransformer

    from simemb import Encoder

    ours, theirs = Encoder.load("mini"), SentenceTransformer(str(options.base), device="cpu")
    for kind in options.kinds:
        chosen = texts(kind, options.texts)
        programs = {
            "simemb": clock(partial(ours.encode, chosen, progress=False)),
            "sentence-transformers": clock(partial(theirs.encode, chosen, show_progress_bar=False)),
        }
        for program in programs.values():
            program()
        line = {"texts": kind, "count": len(chosen), "peer": options.base.name}
        add("bundled", kind, line | {"seconds": alternate(programs, options.rounds)})


if __name__ == "__main__":
    main()
