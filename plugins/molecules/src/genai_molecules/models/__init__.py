"""Models that write molecules."""
