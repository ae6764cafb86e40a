"""The report: one HTML file that opens from disk, on a phone or a desktop, and asks the network for nothing.

A page is a title, a few headline numbers and a list of sections, each a small frozen dataclass. Everything
from outside (SMILES, captions, plugin texts, pictures) is escaped or embedded as a ``data:`` image, so that
it can neither run nor load anything; the content-security policy forbids both once more. The same content
gives the same bytes: no times, no random names.
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from genai_core.config import flatten
from genai_core.results.charts import Chart, interval
from genai_core.results.drawing import templates

if TYPE_CHECKING:
    import jinja2

    from genai_core.files.artifacts import Preview
    from genai_core.results.evaluate import Report as Evaluation

_MEDIA = {"png": "image/png", "jpeg": "image/jpeg", "audio": "audio/wav", "video": "video/mp4"}


@dataclass(frozen=True, slots=True)
class Fact:
    """A number to decide by, in large type: ``Fact("median QED", "0.87", "reference 0.81")``."""

    label: str
    value: str
    note: str = ""


@dataclass(frozen=True, slots=True)
class Section:
    """A part of a page: one of the classes below, with a heading and a remark under it."""

    title: str
    note: str = field(default="", kw_only=True)


@dataclass(frozen=True, slots=True)
class Gallery(Section):
    """Previews to look at or play; those after the first `first` open on request."""

    items: Sequence[Preview]
    first: int = 24


@dataclass(frozen=True, slots=True)
class Comparison(Section):
    """Pictures before and after, of one size a pair: side by side, or under a slider where scripts run."""

    pairs: Sequence[tuple[Preview, Preview]]


@dataclass(frozen=True, slots=True)
class Charts(Section):
    """Charts side by side."""

    charts: Sequence[Chart]


@dataclass(frozen=True, slots=True)
class Table(Section):
    """Rows to sort by any column and to filter by a word; numbers are aligned and sorted as numbers."""

    columns: Sequence[str]
    rows: Sequence[Sequence[object]]


@dataclass(frozen=True, slots=True)
class Metrics(Section):
    """An evaluator's report: each value with its 95 % interval and its floor."""

    report: Evaluation


@dataclass(frozen=True, slots=True)
class Making:
    """How the result was made and can be made again.

    Attributes:
        spec_id: Pipeline or model.
        seed: The run's seed.
        config: All settings, defaults included.
        command: The command line that makes the same again.
        record: The provenance record, embedded as JSON.
        files: Files of the result, ``(name, sha256, bytes)``, linked relative to the report.
    """

    spec_id: str
    seed: int
    config: Mapping[str, Any]
    command: str
    record: Mapping[str, Any] = field(default_factory=dict)
    files: Sequence[tuple[str, str, int]] = ()


@dataclass
class Page:
    """What a report shows.

    Attributes:
        title: What was made, in a few words.
        sections: What there is to see, in order; an empty gallery is left out.
        summary: One or two sentences under the title.
        facts: Headline numbers, best four to six.
        warnings: What the reader must know before trusting the rest.
        making: Settings, seed, provenance and command.
    """

    title: str
    sections: list[Section] = field(default_factory=list)
    summary: str = ""
    facts: list[Fact] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    making: Making | None = None

    def render(self) -> str:
        """The page as one HTML document."""
        style, script = (
            (files(__package__) / "templates" / name).read_text("utf-8")
            for name in ("report.css", "report.js")
        )
        shown = [each for each in self.sections if not isinstance(each, Gallery) or each.items]
        return _template().render(
            page=self,
            sections=[(type(section).__name__.lower(), section) for section in shown],
            style=style,
            script=script,
            policy=_policy(style, script),
        )


def data_uri(preview: Preview) -> str:
    """A preview's picture or sound as ``data:`` URI."""
    if preview.kind == "svg":
        text = preview.data if isinstance(preview.data, str) else preview.data.decode()
        return "data:image/svg+xml," + quote(text, safe=" ~()*!.,;:/?@$+=-_|^{}[]")
    data = preview.data if isinstance(preview.data, bytes) else preview.data.encode()
    media = "audio/flac" if data.startswith(b"fLaC") else _MEDIA[preview.kind]
    return f"data:{media};base64,{base64.b64encode(data).decode()}"


@cache
def _template() -> jinja2.Template:
    found = templates()
    found.filters |= {"data_uri": data_uri, "flatten": flatten, "interval": interval, "json": json.dumps}
    return found.get_template("report.html.j2")


def _policy(style: str, script: str) -> str:
    """Content-security policy: our own style and script by hash, pictures and sound from the file itself."""

    def digest(text: str) -> str:
        return "'sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode() + "'"

    return (
        f"default-src 'none'; style-src {digest(style)}; script-src {digest(script)}; "
        "img-src data:; media-src data:; base-uri 'none'; form-action 'none'"
    )
