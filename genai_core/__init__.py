"""genai: a plugin suite for generative AI in science and media.

The public names below are imported when first used, so ``import genai_core`` costs nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

_PUBLIC = {
    "genai_core.api": ("datasets", "models", "evaluators", "pipelines", "dataset", "model", "load_model",
                       "fit", "open_run", "sample", "evaluate", "run", "load"),
    "genai_core.config": ("Config",),
    "genai_core.data": ("SequenceDataset",),
    "genai_core.errors": ("GenaiError", "BadInput", "ConfigError", "MissingDependency", "ResourceError",
                          "UnknownId", "UsageError", "VerificationError"),
    "genai_core.files.artifacts": ("Artifact", "Preview", "Text"),
    "genai_core.plugins.hookspecs": ("API_VERSION", "hookimpl"),
    "genai_core.plugins.registry": ("register",),
    "genai_core.plugins.specs": ("ArtifactSpec", "CheckSpec", "CommandSpec", "DataFile", "DatasetSpec",
                                 "EvaluatorSpec", "MetricSpec", "ModelSpec", "PipelineSpec"),
    "genai_core.plugins.doctor": ("Finding",),
    "genai_core.protocols": ("Context", "Model", "derive_seed"),
    "genai_core.results.evaluate": ("Metric", "Report"),
}  # fmt: skip
_HOME = {name: module for module, names in _PUBLIC.items() for name in names}
__all__ = ["__version__", *_HOME]

if TYPE_CHECKING:
    from genai_core.api import dataset as dataset
    from genai_core.api import datasets as datasets
    from genai_core.api import evaluate as evaluate
    from genai_core.api import evaluators as evaluators
    from genai_core.api import fit as fit
    from genai_core.api import load as load
    from genai_core.api import load_model as load_model
    from genai_core.api import model as model
    from genai_core.api import models as models
    from genai_core.api import open_run as open_run
    from genai_core.api import pipelines as pipelines
    from genai_core.api import run as run
    from genai_core.api import sample as sample
    from genai_core.config import Config as Config
    from genai_core.data import SequenceDataset as SequenceDataset
    from genai_core.errors import BadInput as BadInput
    from genai_core.errors import ConfigError as ConfigError
    from genai_core.errors import GenaiError as GenaiError
    from genai_core.errors import MissingDependency as MissingDependency
    from genai_core.errors import ResourceError as ResourceError
    from genai_core.errors import UnknownId as UnknownId
    from genai_core.errors import UsageError as UsageError
    from genai_core.errors import VerificationError as VerificationError
    from genai_core.files.artifacts import Artifact as Artifact
    from genai_core.files.artifacts import Preview as Preview
    from genai_core.files.artifacts import Text as Text
    from genai_core.plugins.doctor import Finding as Finding
    from genai_core.plugins.hookspecs import API_VERSION as API_VERSION
    from genai_core.plugins.hookspecs import hookimpl as hookimpl
    from genai_core.plugins.registry import register as register
    from genai_core.plugins.specs import ArtifactSpec as ArtifactSpec
    from genai_core.plugins.specs import CheckSpec as CheckSpec
    from genai_core.plugins.specs import CommandSpec as CommandSpec
    from genai_core.plugins.specs import DataFile as DataFile
    from genai_core.plugins.specs import DatasetSpec as DatasetSpec
    from genai_core.plugins.specs import EvaluatorSpec as EvaluatorSpec
    from genai_core.plugins.specs import MetricSpec as MetricSpec
    from genai_core.plugins.specs import ModelSpec as ModelSpec
    from genai_core.plugins.specs import PipelineSpec as PipelineSpec
    from genai_core.protocols import Context as Context
    from genai_core.protocols import Model as Model
    from genai_core.protocols import derive_seed as derive_seed
    from genai_core.results.evaluate import Metric as Metric
    from genai_core.results.evaluate import Report as Report


def __getattr__(name: str) -> Any:
    home = _HOME.get(name)
    if home is None:
        raise AttributeError(f"module 'genai_core' has no attribute {name!r}")
    value = getattr(import_module(home), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
