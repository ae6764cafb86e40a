"""How work is done, killed, resumed and spread."""
