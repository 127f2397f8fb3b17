"""The sample corpus, composed by a grammar of our own: what `simemb train` learns from without other data.

Sentences, graded pairs in the style of STS, triplets and short stories; the licence is that of the project.
"""

from .corpus import dev_pairs, pairs, sentences, test_pairs, triplets
from .stories import stories

__all__ = ["dev_pairs", "pairs", "sentences", "stories", "test_pairs", "triplets"]
