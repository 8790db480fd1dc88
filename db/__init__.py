"""The case library's folder and what is kept in it."""
