"""Marks that are set on held-out radiographs: what is normal, and what is out of place."""
