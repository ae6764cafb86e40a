"""Pictures: what the plugins that work on them share, and the modality ``image``."""
