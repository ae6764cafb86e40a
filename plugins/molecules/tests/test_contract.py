"""Everything genai promises its users about a plugin, checked for molecules."""

from __future__ import annotations

from genai_core.testing import contract_suite

TestContract = contract_suite(
    "molecules",
    configs={"rnn": {"layers": 1, "width": 24}, "transformer": {"layers": 1, "width": 32, "heads": 2}},
    datasets=dict.fromkeys(("rnn", "transformer", "moses-metrics"), "molecules/sample"),
)
