"""The steps of the pipeline `molecules/design`."""
