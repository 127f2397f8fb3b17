"""The development pairs of the bundled sample corpus, to choose checkpoints when there are no other data.

The pairs and their graded similarity come from a grammar (`data/sample_grammar`), not from people.
"""

from simemb.evaluation.suite import Suite
from simemb.evaluation.tasks import Similarity

task = Similarity("sample_dev", {"dev": "sample_dev"})

suite = Suite(
    name="sample_dev",
    description="the development pairs of the bundled sample corpus, needs no data",
    tasks=(task,),
    geometry=task,
)
