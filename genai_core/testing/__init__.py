"""The contract suite: two lines of test code check a whole plugin.

Example:
    >>> from genai_core.testing import contract_suite          # doctest: +SKIP
    >>> TestContract = contract_suite("markov")                # doctest: +SKIP
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["contract_suite"]


def contract_suite(
    plugin: str,
    *,
    configs: Mapping[str, Mapping[str, Any]] | None = None,
    datasets: Mapping[str, str] | None = None,
    artifacts: Mapping[str, Any] | None = None,
    options: Mapping[str, Mapping[str, Any]] | None = None,
    skip: Mapping[str, str] | None = None,
) -> type:
    """A test class with one method a promise, parametrised over the specs of `plugin`.

    Args:
        plugin: Name of an installed plugin, the part of an id before the slash.
        configs: Small configurations by spec name, ``{"rnn": {"width": 16}}``; the defaults elsewhere. A
            pipeline is run only when it has an entry here, and so is a data set of the user's own files.
        datasets: The data a model or evaluator is tried on, ``{"rnn": "molecules/sample"}``; elsewhere the
            plugin's first data set of that modality that is at hand.
        artifacts: An example by modality; elsewhere a sample of a model, or one made of data items.
        options: Sampling options by model name, ``{"rnn": {"max_length": 30}}``; the defaults elsewhere.
        skip: Reasons by promise, ``{"real_data_beat_noise": "novelty is highest for noise"}``, or for one
            spec only, ``{"real_data_beat_noise[markov/novelty]": "..."}``. They are shown as skipped tests.

    Returns:
        A class for a name that pytest collects, such as ``TestContract``.
    """
    from genai_core.testing.suite import make_class

    return make_class(plugin, configs or {}, datasets or {}, artifacts or {}, options or {}, skip or {})
