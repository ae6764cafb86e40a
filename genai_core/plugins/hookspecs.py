"""The hooks a plugin can implement (pluggy project ``genai``, entry-point group ``genai_core.plugins``).

A plugin is a light module: it imports the standard library and `genai_core`, sets ``GENAI_API = 1`` and
implements any of these. "What do you offer" hooks take nothing and yield specs; event hooks return
nothing, and a failing one is isolated from the run and from its neighbours.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from pluggy import HookimplMarker, HookspecMarker

if TYPE_CHECKING:
    from genai_core.plugins import specs
    from genai_core.protocols import RunInfo

API_VERSION = 1
ENTRY_POINT_GROUP = "genai_core.plugins"

hookspec = HookspecMarker("genai")
hookimpl = HookimplMarker("genai")


@hookspec
def genai_datasets() -> Iterable[specs.DatasetSpec]:  # type: ignore[empty-body]
    """Offer data sets.

    Example:
        >>> @hookimpl
        ... def genai_datasets():
        ...     yield DatasetSpec(name="names", summary="Four element names", modality="text",
        ...                       factory="genai_markov.model:names")
    """


@hookspec
def genai_models() -> Iterable[specs.ModelSpec]:  # type: ignore[empty-body]
    """Offer models.

    Example:
        >>> @hookimpl
        ... def genai_models():
        ...     yield ModelSpec(name="chars", summary="Character Markov chain", modality="text",
        ...                     family="autoregressive", capabilities=frozenset({"fit", "sample"}),
        ...                     factory="genai_markov.model:Chars", config="genai_markov.model:CharsConfig")
    """


@hookspec
def genai_evaluators() -> Iterable[specs.EvaluatorSpec]:  # type: ignore[empty-body]
    """Offer evaluators.

    Example:
        >>> @hookimpl
        ... def genai_evaluators():
        ...     yield EvaluatorSpec(name="novelty", summary="Share of items not in the reference",
        ...                         modality="text", factory="genai_markov.model:Novelty",
        ...                         metrics=(MetricSpec(name="novelty", direction="higher", low=0, high=1,
        ...                                             summary="share not in the reference"),))
    """


@hookspec
def genai_pipelines() -> Iterable[specs.PipelineSpec]:  # type: ignore[empty-body]
    """Offer pipelines.

    Example:
        >>> @hookimpl
        ... def genai_pipelines():
        ...     yield PipelineSpec(name="write", summary="Sample names and report on them", modality="text",
        ...                        factory="genai_markov.pipeline:write", outputs=("names.txt",))
    """


@hookspec
def genai_artifacts() -> Iterable[specs.ArtifactSpec]:  # type: ignore[empty-body]
    """Offer file formats.

    Example:
        >>> @hookimpl
        ... def genai_artifacts():
        ...     yield ArtifactSpec(name="molecules", summary="Molecules", suffixes=(".smi", ".sdf"),
        ...                        media_type="chemical/x-daylight-smiles",
        ...                        factory="genai_molecules.artifacts:Molecules")
    """


@hookspec
def genai_commands() -> Iterable[specs.CommandSpec]:  # type: ignore[empty-body]
    """Offer commands of the `genai` program.

    Example:
        >>> @hookimpl
        ... def genai_commands():
        ...     yield CommandSpec(name="markov-draw", summary="Draw the chain",
        ...                       factory="genai_markov.cli:draw")
    """


@hookspec
def genai_checks() -> Iterable[specs.CheckSpec]:  # type: ignore[empty-body]
    """Offer health checks.

    Example:
        >>> @hookimpl
        ... def genai_checks():
        ...     yield CheckSpec(name="corpus", summary="The corpus is readable",
        ...                     factory="genai_markov.checks:corpus")
    """


@hookspec
def genai_run_started(run: RunInfo) -> None:
    """A run has begun.

    Example:
        >>> @hookimpl
        ... def genai_run_started(run):
        ...     print("started", run.id)
    """


@hookspec
def genai_metrics(run: RunInfo, step: int, metrics: Mapping[str, float]) -> None:
    """A run has measured something.

    Example:
        >>> @hookimpl
        ... def genai_metrics(run, step, metrics):
        ...     print(step, metrics["loss"])
    """


@hookspec
def genai_run_finished(run: RunInfo, status: str, error: BaseException | None) -> None:
    """A run has ended: ``status`` is ``"done"``, ``"failed"`` or ``"interrupted"``.

    Example:
        >>> @hookimpl
        ... def genai_run_finished(run, status, error):
        ...     print(run.id, status)
    """
