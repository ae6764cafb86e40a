"""Measures of sets of molecules; each file is one family of them."""
