"""One short file per corpus: where it is looked for, its columns, its licence (see `simemb.corpus.sources.Source`)."""
