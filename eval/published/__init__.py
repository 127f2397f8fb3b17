"""Scores that papers published, with their sources, as tables that `simemb.published` reads."""
