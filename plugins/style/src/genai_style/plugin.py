"""What this plugin offers. Imports nothing but the core's light modules."""

from __future__ import annotations

from typing import TYPE_CHECKING

from genai_core.plugins.hookspecs import hookimpl
from genai_core.plugins.specs import DatasetSpec, EvaluatorSpec, ModelSpec, PipelineSpec
from genai_style.data_spec import PAINTINGS, PHOTOS
from genai_style.learned_spec import LEARNED
from genai_style.video_spec import CLIP, VIDEO

if TYPE_CHECKING:
    from collections.abc import Iterable

GENAI_API = 1

OPTIMISE = ModelSpec(
    name="optimise",
    summary="Any picture in the style of any others, by optimising pixels on VGG19 features",
    modality="image",
    family="classical",
    capabilities=frozenset({"transform"}),
    factory="genai_style.models.optimise:OptimiseStyle",
    options="genai_style.config:OptimiseOptions",
    licence="Apache-2.0 AND CC-BY-4.0",
    citation="Gatys et al., CVPR (2016); VGG19: Simonyan and Zisserman, ICLR (2015)",
)

FAST = ModelSpec(
    name="fast",
    summary="A small network that learns the style of one picture and paints in one pass",
    modality="image",
    family="classical",
    capabilities=frozenset({"train", "transform"}),
    factory="genai_style.models.fast:FastStyle",
    config="genai_style.config:FastConfig",
    options="genai_style.config:FastOptions",
    data="style/sample",
    training={"batch": 4, "lr": 0.012, "warmup": 20, "steps": 300},
    licence="Apache-2.0 AND CC-BY-4.0",
    citation="Johnson et al., ECCV (2016); Ulyanov et al., CVPR (2017)",
)

SAMPLE = DatasetSpec(
    name="sample",
    summary="56 small photos of animals, buildings, nature, things and people, shipped with the plugin",
    modality="image",
    factory="genai_style.sets.sample:sample",
    origin="shipped",
    licence="CC0-1.0 AND LicenseRef-public-domain",
    citation="GCompris (2023), Wikimedia Commons; scikit-image; each photo's author is in its card",
)

FOLDER = DatasetSpec(
    name="folder",
    summary="Your own pictures: all in a folder and the folders in it",
    modality="image",
    factory="genai_style.data:folder",
    config="genai_style.config:FolderConfig",
    origin="user",
)

STYLISE = PipelineSpec(
    name="stylise",
    summary="Pictures or a folder of them in one or more styles, with a sheet and a report",
    modality="image",
    factory="genai_style.pipelines:stylise",
    config="genai_style.config:StyliseConfig",
    outputs=("sheet.png", "metrics.json", "report.html"),
    source_type="compositeWithTrainedAlgorithmicMedia",
    licence="Apache-2.0 AND CC-BY-4.0",
)


@hookimpl
def genai_models() -> Iterable[ModelSpec]:
    """Style transfer, with and without training."""
    return (OPTIMISE, FAST, *LEARNED, VIDEO)


@hookimpl
def genai_datasets() -> Iterable[DatasetSpec]:
    """Pictures to learn on."""
    yield from (SAMPLE, FOLDER, PAINTINGS, PHOTOS)


@hookimpl
def genai_pipelines() -> Iterable[PipelineSpec]:
    """Pictures in the style of others."""
    yield STYLISE
    yield CLIP


@hookimpl
def genai_evaluators() -> Iterable[EvaluatorSpec]:
    """How good painted pictures and films are."""
    from genai_style.metrics_spec import FILM_METRICS, STYLE_METRICS

    yield from (STYLE_METRICS, FILM_METRICS)
