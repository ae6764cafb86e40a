"""Artifacts: what models make and files hold, with one way to check, write, read and show it.

A domain adds a modality by one subclass of `Artifact` (``encode``, ``decode``, ``validate``, ``preview``) and
one `ArtifactSpec`. Saving is the same for all: checked, whole or not at all, with its record beside it.
"""

from __future__ import annotations

import gzip
import io
import re
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar, Literal, Self, final

from genai_core.errors import BadInput, UsageError
from genai_core.files.atomic import atomic_write
from genai_core.files.safeio import Limits, display_name, limits_for, read_bytes, split_lines

# Line ends, NUL and halves of surrogate pairs, which UTF-8 has no bytes for.
_UNWRITABLE = re.compile("[\n\r\0\ud800-\udfff]")
PreviewKind = Literal["svg", "png", "jpeg", "audio", "video", "text"]


@dataclass(frozen=True, slots=True)
class Preview:
    """One item as the report shows it.

    Attributes:
        kind: How `data` is to be shown; ``audio`` is WAV or FLAC, ``video`` is MP4.
        data: SVG or plain text as `str`, everything else as `bytes`.
        caption: Short line under the item.
        alt: What a screen reader says instead of the picture.
        values: Named values of the item, already formatted.
    """

    kind: PreviewKind
    data: bytes | str
    caption: str = ""
    alt: str = ""
    values: Mapping[str, str] = field(default_factory=dict)


class Artifact(ABC):
    """A value of one modality: a file of molecules, a picture, a score.

    Subclasses set `modality` and `suffixes` (the first is the default) and implement the abstract methods.
    Two artifacts are equal when their content is, whatever they were read from.

    Attributes:
        record: Provenance of what was generated, set by whoever generated it; None for anything else.
        source: The file it was read from.
    """

    modality: ClassVar[str]
    suffixes: ClassVar[tuple[str, ...]]
    record: Mapping[str, Any] | None = None
    source: Path | None = None

    def __len__(self) -> int:
        """Number of items; 1 unless the artifact is a collection."""
        return 1

    @abstractmethod
    def validate(self) -> None:
        """Raise `BadInput`, with the number of the item, when the content cannot be written."""

    @abstractmethod
    def encode(self, suffix: str, record: Mapping[str, Any] | None) -> bytes:
        """The bytes of a file: the same for the same content and record, on any machine.

        Args:
            suffix: One of `suffixes`.
            record: Goes inside where the format has a place for it.
        """

    @classmethod
    @abstractmethod
    def decode(cls, data: bytes, suffix: str, *, name: str, limits: Limits) -> Self:
        """Inverse of `encode`; checks `limits` before any decoder, raises only `BadInput`.

        Args:
            data: Content of a file, already unpacked.
            suffix: One of `suffixes`.
            name: What messages call the file.
            limits: The limits of the modality.
        """

    def content(self) -> bytes:
        """What equality compares: the bytes of the default format, unless another one holds more."""
        return self.encode(self.suffixes[0], None)

    @classmethod
    def concat(cls, parts: Sequence[Self]) -> Self | None:
        """One collection of the items of all `parts`, in order; None where artifacts hold one item each."""
        return None

    def preview(self, limit: int = 24) -> list[Preview]:
        """The first `limit` items for the report; nothing by default."""
        return []

    @final
    def save(self, path: str | Path) -> Path:
        """Write the artifact, whole or not at all; with a `record`, also ``NAME.genai.json`` beside it.

        Args:
            path: Its suffix chooses the format; ``.gz`` after it packs the file.

        Returns:
            The path written.
        """
        path = Path(path)
        suffix, packed = split_suffix(path)
        self._check_suffix(path, suffix)
        self.validate()
        data = self.encode(suffix, self.record)
        data = pack(data) if packed else data
        if self.record is None:
            return atomic_write(path, data)
        from genai_core.files.provenance import write_recorded

        return write_recorded(path, data, self.record)

    @final
    @classmethod
    def load(cls, path: str | Path, limits: Limits | None = None) -> Self:
        """Read a file of one of `suffixes`, possibly packed with gzip; `BadInput` says what is wrong.

        ``-`` is standard input, in the default format.
        """
        suffix = cls.suffixes[0] if str(path) == "-" else split_suffix(path)[0]
        cls._check_suffix(path, suffix)
        limits = limits or limits_for(cls.modality)
        artifact = cls.decode(read_bytes(path, limits), suffix, name=display_name(path), limits=limits)
        artifact.validate()
        artifact.source = Path(path)
        return artifact

    @classmethod
    def _check_suffix(cls, path: str | Path, suffix: str) -> None:
        if suffix not in cls.suffixes:
            wrong = f"{path}: {cls.__name__} is not written or read as {suffix!r}"
            raise UsageError(wrong, hint="use one of " + ", ".join(cls.suffixes))

    def __eq__(self, other: object) -> bool:
        if type(self) is not type(other) or not isinstance(other, Artifact):
            return NotImplemented
        return self.content() == other.content()

    def __hash__(self) -> int:
        return hash((type(self), self.content()))


class Text(Artifact):
    """Lines of text, one item a line: what a plugin yields when its modality needs no format of its own.

    Args:
        lines: The items; none may hold a line end.
    """

    modality = "text"
    suffixes = (".txt",)

    def __init__(self, lines: Sequence[str] = ()) -> None:
        self.lines = tuple(lines)

    def __len__(self) -> int:
        return len(self.lines)

    def __iter__(self) -> Iterator[str]:
        return iter(self.lines)

    def __getitem__(self, index: int) -> str:
        return self.lines[index]

    def __repr__(self) -> str:
        return f"Text({len(self)} lines)"

    def validate(self) -> None:
        for number, line in enumerate(self.lines, start=1):
            if not isinstance(line, str):
                raise BadInput("text", f"is a {type(line).__name__}, not a string", number)
            if found := _UNWRITABLE.search(line):
                raise BadInput("text", f"a line holds {found[0]!a}, which a text file cannot", number)
            if number == 1 and line.startswith("\ufeff"):
                raise BadInput("text", "starts with a byte order mark", number)

    def encode(self, suffix: str, record: Mapping[str, Any] | None) -> bytes:
        return "".join(f"{line}\n" for line in self.lines).encode()

    @classmethod
    def decode(cls, data: bytes, suffix: str, *, name: str, limits: Limits) -> Self:
        lines = [line for _, line in split_lines([data], name, limits)]
        if len(lines) > limits.items:
            raise BadInput(name, f"{len(lines)} lines are more than the limit of {limits.items}")
        return cls(lines)

    @classmethod
    def concat(cls, parts: Sequence[Self]) -> Self:
        return cls([line for part in parts for line in part.lines])

    def preview(self, limit: int = 24) -> list[Preview]:
        return [Preview(kind="text", data=line, alt=line) for line in self.lines[:limit]]


def artifact_for(path_or_modality: str | Path) -> type[Artifact]:
    """The artifact class of a file, by its suffix, or of a modality, by its name.

    Args:
        path_or_modality: ``"leads.smi.gz"``, a `Path`, or ``"molecules"``.
    """
    from genai_core.plugins.registry import registry

    suffix, _ = split_suffix(path_or_modality)
    specs = registry().specs("artifact")
    found = [spec for spec in specs if suffix in spec.suffixes]
    if isinstance(path_or_modality, str) and not suffix:
        found = [registry().find("artifact", path_or_modality)]
    if not found:
        raise UsageError(
            f"{path_or_modality}: no installed plugin reads or writes {suffix or 'files without a suffix'!r}",
            hint="known suffixes: " + ", ".join(sorted({s for spec in specs for s in spec.suffixes})),
        )
    if len(found) > 1:
        ids = ", ".join(spec.id for spec in found)
        hint = 'artifact_for("MODALITY").load(path) chooses one'
        raise UsageError(f"{path_or_modality}: several plugins read this: {ids}", hint=hint)
    loaded: type[Artifact] = registry().load(found[0])
    return loaded


def split_suffix(path: str | Path) -> tuple[str, bool]:
    """``"a/leads.SMI.gz"`` to ``(".smi", True)``: the format, and whether it is packed with gzip."""
    path = Path(path)
    packed = path.suffix.lower() == ".gz"
    return (Path(path.stem) if packed else path).suffix.lower(), packed


def pack(data: bytes) -> bytes:
    """Gzip without a time or a name inside, so that equal content gives equal bytes."""
    buffer = io.BytesIO()
    with gzip.GzipFile(filename="", mode="wb", fileobj=buffer, mtime=0) as file:
        file.write(data)
    return buffer.getvalue()
