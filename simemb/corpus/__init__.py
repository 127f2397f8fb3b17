"""Text from files, named corpora and datasets, as rows."""
