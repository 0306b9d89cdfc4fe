"""The pages of the ledger: what came in and what became of it, for people."""
