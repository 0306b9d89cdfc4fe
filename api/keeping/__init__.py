"""Answers as bytes: kept in files or Redis, each of them made once, a few at a time. Knows no question."""
