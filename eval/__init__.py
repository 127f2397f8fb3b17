"""One short file per suite of evaluation tasks (see `simemb.evaluation.suite.Suite`)."""
