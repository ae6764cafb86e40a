"""What the evaluators measure, as data; nothing heavy is imported here."""

from __future__ import annotations

from genai_core.plugins.specs import EvaluatorSpec, MetricSpec


def _share(name: str, summary: str) -> MetricSpec:
    return MetricSpec(name=name, direction="higher", low=0, high=1, summary=summary)


def _distance(name: str, unit: str, summary: str) -> MetricSpec:
    return MetricSpec(
        name=name, direction="lower", low=0, unit=unit, summary=f"Wasserstein distance of {summary}"
    )


def _against(suffix: str, reference: str) -> tuple[MetricSpec, ...]:
    return (
        MetricSpec(
            name=f"FCD/{suffix}", direction="lower", low=0, summary=f"Frechet ChemNet distance to {reference}"
        ),
        _share(f"SNN/{suffix}", f"mean Tanimoto similarity to the nearest molecule of {reference}"),
        _share(f"Frag/{suffix}", f"cosine of BRICS fragment counts with {reference}"),
        _share(f"Scaf/{suffix}", f"cosine of scaffold counts with {reference}"),
    )


MOSES_METRICS = EvaluatorSpec(
    name="moses-metrics",
    summary="All metrics of MOSES with intervals and floors: is a set of molecules like the reference?",
    modality="molecules",
    factory="genai_molecules.metrics.moses:MosesMetrics",
    config="genai_molecules.metrics_config:MetricsConfig",
    licence="Apache-2.0",
    citation="Polykovskiy et al., Molecular Sets (MOSES), Front. Pharmacol. 11:565644 (2020)",
    metrics=(
        _share("valid", "share of strings that are molecules"),
        _share("unique@1k", "share of different molecules among the first 1,000 valid"),
        _share("unique@10k", "share of different molecules among the first 10,000 valid"),
        *_against("Test", "the reference"),
        *_against("TestSF", "the scaffold test set"),
        _share("IntDiv", "1 - mean Tanimoto similarity within the set"),
        _share("IntDiv2", "1 - root mean square Tanimoto similarity within the set"),
        _share("Filters", "share that passes the MCF and PAINS filters"),
        _share("Novelty", "share of different molecules that the training set lacks"),
        _distance("logP", "", "octanol-water partition to the reference"),
        _distance("SA", "", "synthetic accessibility to the reference"),
        _distance("QED", "", "drug-likeness to the reference"),
        _distance("weight", "g/mol", "molecular weight to the reference"),
    ),
)
