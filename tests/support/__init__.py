"""Shared by the tests of all packages."""
