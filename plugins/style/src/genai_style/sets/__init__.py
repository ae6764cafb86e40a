"""Data sets made of fetched packages."""
