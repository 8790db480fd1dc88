"""How well a labeller of reports reads: against coders' headings and against read sentences."""
