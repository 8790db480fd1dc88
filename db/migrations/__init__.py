"""How the tables came to be, step by step; `db/migrating.py` runs it."""
