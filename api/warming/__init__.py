"""Answers made before anybody asks for them: what is asked most, and what the page shows."""
