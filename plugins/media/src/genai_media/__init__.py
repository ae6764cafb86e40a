"""Pictures and films: what the plugins that work on them share, and the modalities of both."""
