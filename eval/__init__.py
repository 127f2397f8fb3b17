"""One short file per suite of evaluation tasks (see `simemb.suites.Suite`)."""
