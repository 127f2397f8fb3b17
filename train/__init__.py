"""One short file per method: a `recipe` built from the seven nouns of `simemb` (docs/design.md explains them)."""
