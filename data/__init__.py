"""One short file per corpus: its file, its columns, its license (`simemb.corpus.sources.Source` has the fields)."""
