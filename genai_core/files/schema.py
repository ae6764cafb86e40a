"""The form of a provenance record, as strict models: what `provenance.parse_record` lets in.

Records come back from anywhere, so every field is typed and bounded and unknown ones are refused. Kept
apart from `provenance` because pydantic takes its time to import.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import ConfigDict, Field

from genai_core.config import Config

Count = Annotated[int, Field(ge=0, lt=1 << 63)]
Hex = Annotated[str, Field(pattern=r"^[0-9a-f]{16,64}$")]
Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
Id = Annotated[str, Field(pattern=r"^[a-z0-9]+(-[a-z0-9]+)*/[a-z0-9]+(-[a-z0-9]+)*$", max_length=200)]
Word = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._+!-]*$", max_length=100)]
Suffix = Annotated[str, Field(pattern=r"^(\.[A-Za-z0-9_-]{1,20}){0,2}$")]


class Part(Config):
    """A table of a record: no conversion of types, no unknown field."""

    model_config = ConfigDict(strict=True, hide_input_in_errors=True)


class Generator(Part):
    """Model or pipeline, and the version of the distribution behind it."""

    id: Id
    version: Word


class Digest(Part):
    """Hash and size of bytes."""

    sha256: Sha256
    size: Count


class Content(Digest):
    """The bytes before signing, and the format that gave them."""

    suffix: Suffix


class SampleRecipe(Part):
    """How to sample again: the shards of a plan, one of them or (None) all together."""

    kind: Literal["sample"]
    model: Id
    weights_sha256: Sha256 | None
    n: Annotated[int, Field(ge=1, lt=1 << 63)]
    seed: int
    shard_size: Annotated[int, Field(ge=1, lt=1 << 63)]
    shard: Count | None
    options: dict[str, Any]
    device: Word | None = None


class PipelineRecipe(Part):
    """How to run a pipeline again, and which of its files is meant."""

    kind: Literal["pipeline"]
    pipeline: Id
    config: dict[str, Any]
    seed: int
    output: Word
    device: Word | None = None


class RecordForm(Part):
    """A whole record; `content`, `file` and `record_sha256` stand only in the one beside a file."""

    schema_: Literal["genai-record/1"] = Field(alias="$schema")
    digital_source_type: Annotated[
        str, Field(pattern=r"^http://cv\.iptc\.org/newscodes/digitalsourcetype/[A-Za-z]{1,60}$")
    ]
    modality: Word
    generator: Generator
    weights_sha256: Sha256 | None
    config: dict[str, Any]
    config_hash: Hex
    data_fingerprint: Word | None
    packages: Annotated[dict[Word, Word], Field(max_length=500)]
    recipe: Annotated[SampleRecipe | PipelineRecipe, Field(discriminator="kind")]
    content: Content | None = None
    file: Digest | None = None
    record_sha256: Sha256 | None = None
