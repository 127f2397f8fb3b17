"""Suites, tasks, metrics and the scores that they give."""
