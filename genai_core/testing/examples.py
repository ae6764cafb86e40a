"""An artifact of every modality, for the promises of artifacts."""

from __future__ import annotations

from typing import TYPE_CHECKING

from genai_core.errors import GenaiError
from genai_core.testing.digests import join
from genai_core.testing.promises import NotApplicable

if TYPE_CHECKING:
    from genai_core.files.artifacts import Artifact
    from genai_core.plugins.specs import Spec
    from genai_core.testing.bench import Bench


def example(bench: Bench, spec: Spec) -> Artifact:
    """An artifact of a modality: the given one, one made of data items, or a model's sample."""
    return bench.keep(("example", spec.id), _example, bench, spec)  # type: ignore[no-any-return]


def _example(bench: Bench, spec: Spec) -> Artifact:
    if spec.name in bench.examples:
        given: Artifact = bench.examples[spec.name]
        return given
    for data in bench.specs("dataset"):
        if data.modality == spec.name and bench.at_hand(data):
            built = bench.data(data)
            try:
                made: Artifact = bench.load(spec)([built[index] for index in range(min(3, len(built)))])
                made.validate()
            except (AttributeError, TypeError, ValueError, GenaiError):
                continue
            return made
    for model in bench.specs("model"):
        if model.modality == spec.name and "sample" in model.capabilities:
            return join(bench.sample(model, 3))
    raise NotApplicable(f"no example of {spec.name!r}; give artifacts={{{spec.name!r}: ...}}")
