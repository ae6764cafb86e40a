"""How pictures are painted: features, losses, optimisation, networks, colours."""
