"""How well heatmaps find what experts have drawn."""
