"""The grammar that composed the sample corpus: sentences, scored pairs in the style of STS, triplets and stories.

What it makes is kept in `data/sample` and installed; the grammar stays in the repository. Reading the files takes a
fraction of the time, and who trains on the sample needs no grammar. `python -m simemb.data.sample_grammar` writes them
anew, and `tests/data/test_sample.py` compares them with the grammar. The licence is that of the project.
"""

from .corpus import dev_pairs, pairs, sentences, test_pairs, triplets
from .stories import stories

__all__ = ["dev_pairs", "pairs", "sentences", "stories", "test_pairs", "triplets"]
