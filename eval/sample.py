"""The test pairs of the bundled sample corpus: a score on any machine, with no data and no network.

The pairs and their graded similarity come from a grammar (`data/sample_grammar`), not from people.
"""

from simemb.evaluation.suite import Suite
from simemb.evaluation.tasks import Similarity

task = Similarity("sample", {"test": "sample_test"})

suite = Suite(
    name="sample",
    description="the test pairs of the bundled sample corpus, needs no data",
    tasks=(task,),
    geometry=task,
)
