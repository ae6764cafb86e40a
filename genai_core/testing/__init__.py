"""The contract suite: two lines of test code check a whole plugin."""
