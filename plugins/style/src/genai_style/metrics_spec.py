"""What the evaluators measure, as data; nothing heavy is imported here."""

from __future__ import annotations

from genai_core.plugins.specs import EvaluatorSpec, MetricSpec

EXTRACTOR = "VGG19-c34748d2"  # the network and the start of the sha256 of the only file it is read from

STYLE_METRICS = EvaluatorSpec(
    name="metrics",
    summary="How much of the style and of the photo is in painted pictures, beside both themselves",
    modality="image",
    factory="genai_style.metrics.evaluator:StyleMetrics",
    config="genai_style.metrics_config:MetricsConfig",
    needs_reference=False,
    licence="Apache-2.0 AND CC-BY-4.0",
    citation="Gatys et al., CVPR (2016); Shaham et al., ICCV (2019); Wang et al., IEEE TIP 13:600 (2004)",
    metrics=(
        MetricSpec(
            name=f"style-residual[{EXTRACTOR}]",
            direction="lower",
            low=0,
            summary="relative error of mean and deviation of the style's activations in five layers",
        ),
        MetricSpec(
            name=f"SIFID[{EXTRACTOR}]",
            direction="lower",
            low=0,
            summary="Frechet distance between the activations of the two pictures' places in conv2_2",
        ),
        MetricSpec(
            name="palette",
            direction="lower",
            low=0,
            unit="dE",
            summary="sliced Wasserstein distance to the style's colours in CIELAB; a shift by dE counts dE",
        ),
        MetricSpec(
            name=f"content-residual[{EXTRACTOR}]",
            direction="lower",
            low=0,
            summary="relative error of the photo's activations in conv4_2, place by place",
        ),
        MetricSpec(
            name="structure",
            direction="higher",
            low=-1,
            high=1,
            summary="structural similarity (SSIM) of brightness to the photo",
        ),
    ),
)

FILM_METRICS = EvaluatorSpec(
    name="film-metrics",
    summary="How steady a painted film is, and how much of style and film is in its frames",
    modality="video",
    factory="genai_style.metrics.film:FilmMetrics",
    config="genai_style.metrics_config:FilmMetricsConfig",
    needs_reference=False,
    licence="Apache-2.0 AND CC-BY-4.0",
    citation="Warp error: Lai et al., ECCV (2018)",
    metrics=(
        MetricSpec(
            name="warp-error",
            direction="lower",
            low=0,
            high=1,
            summary="mean squared change of what the film shows moving or still",
        ),
        *STYLE_METRICS.metrics,
    ),
)
