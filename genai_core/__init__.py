"""genai: a plugin suite for generative AI in science and media.

The public names below are imported when first used, so ``import genai_core`` costs nothing; `__init__.pyi`
tells type checkers the same.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

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


def __getattr__(name: str) -> Any:
    home = _HOME.get(name)
    if home is None:
        raise AttributeError(f"module 'genai_core' has no attribute {name!r}")
    value = getattr(import_module(home), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
