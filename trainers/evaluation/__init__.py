"""How well the models do on held-out radiographs."""
