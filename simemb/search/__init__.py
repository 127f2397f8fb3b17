"""An index of texts, and hard negatives out of it."""
