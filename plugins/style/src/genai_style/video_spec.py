"""What the plugin offers for films."""

from __future__ import annotations

from genai_core.plugins.specs import ModelSpec, PipelineSpec

VIDEO = ModelSpec(
    name="video",
    summary="A film painted frame by frame and steady, by style/optimise or a network",
    modality="video",
    family="classical",
    capabilities=frozenset({"transform"}),
    factory="genai_style.models.video:VideoStyle",
    options="genai_style.video_config:VideoOptions",
    licence="Apache-2.0 AND CC-BY-4.0",
    citation="Ruder et al., GCPR (2016); optical flow: Kroeger et al., ECCV (2016)",
)

CLIP = PipelineSpec(
    name="clip",
    summary="A film in the style of pictures, with its sound, a sheet of frames and a report",
    modality="video",
    factory="genai_style.clip:clip",
    config="genai_style.video_config:ClipConfig",
    outputs=("sheet.png", "metrics.json", "report.html"),
    source_type="compositeWithTrainedAlgorithmicMedia",
    licence="Apache-2.0 AND CC-BY-4.0",
)
