"""Screens, pictures and exports; no network and no database."""
