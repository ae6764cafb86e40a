"""The models of the plugin."""
