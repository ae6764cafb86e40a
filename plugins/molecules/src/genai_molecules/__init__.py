"""Molecule generation for drug discovery."""
