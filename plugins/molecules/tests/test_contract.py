"""Everything genai promises its users about a plugin, checked for molecules."""

from __future__ import annotations

from pathlib import Path

from genai_core.testing import contract_suite

LEADS = Path(__file__).parents[3] / "data" / "leads.smi"
SHORT = {"max_length": 30}  # a network that has learned little does not end its molecules by itself

TestContract = contract_suite(
    "molecules",
    configs={
        "rnn": {"layers": 1, "width": 24},
        "transformer": {"layers": 1, "width": 32, "heads": 2},
        "file": {"path": str(LEADS)},
        "design": {
            "n": 2,
            "budget": 32,
            "known": "none",
            "evaluate": False,
            "pictures": 2,
            "sampling": SHORT,
        },
    },
    datasets=dict.fromkeys(("rnn", "transformer", "moses-metrics"), "molecules/sample"),
    options=dict.fromkeys(("rnn", "transformer"), SHORT),
)
