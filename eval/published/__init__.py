"""Scores that papers published, with their sources, as tables that `simemb.comparison.published` reads."""
