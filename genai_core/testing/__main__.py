"""``python -m genai_core.testing`` prints the promises as the table of the plugin-author guide."""

from __future__ import annotations

from genai_core.testing.suite import promises_table

print(promises_table(), end="")
