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
import re
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar
from urllib.parse import quote

from genai_core.results.charts import Bar, Chart, interval
from genai_core.results.drawing import number

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import jinja2

    from genai_core.files.artifacts import Preview
    from genai_core.results.evaluate import Metric
    from genai_core.results.evaluate import Report as Evaluation

_ARROWS = {
    "higher": ("↑", "higher is better"),
    "lower": ("↓", "lower is better"),
    "target": ("◎", "the nearer to the floor the better"),
}
_SIGNATURES = (
    (b"\x89PNG", "image/png"), (b"\xff\xd8", "image/jpeg"), (b"GIF8", "image/gif"),
    (b"fLaC", "audio/flac"), (b"OggS", "audio/ogg"), (b"ID3", "audio/mpeg"), (b"\xff\xfb", "audio/mpeg"),
    (b"\x1a\x45\xdf\xa3", "video/webm"),
)  # fmt: skip
_FALLBACK = {"png": "image/png", "jpeg": "image/jpeg", "audio": "audio/wav", "video": "video/mp4"}


@dataclass(frozen=True, slots=True)
class Fact:
    """A number to decide by, in large type: ``Fact("median QED", "0.87", "reference 0.81")``."""

    label: str
    value: str
    note: str = ""


@dataclass(frozen=True, slots=True)
class Gallery:
    """Previews to look at or play; those after the first `first` open on request."""

    kind: ClassVar[str] = "gallery"

    title: str
    items: Sequence[Preview]
    note: str = ""
    first: int = 24


@dataclass(frozen=True, slots=True)
class Charts:
    """Charts side by side."""

    kind: ClassVar[str] = "charts"

    title: str
    charts: Sequence[Chart]
    note: str = ""


@dataclass(frozen=True, slots=True)
class Table:
    """Rows to sort by any column and to filter by a word; numbers are aligned and sorted as numbers."""

    kind: ClassVar[str] = "table"

    title: str
    columns: Sequence[str]
    rows: Sequence[Sequence[object]]
    note: str = ""


@dataclass(frozen=True, slots=True)
class Metrics:
    """An evaluator's report: each value with its 95 % interval and its floor."""

    kind: ClassVar[str] = "metrics"

    title: str
    report: Evaluation
    note: str = ""


@dataclass(frozen=True, slots=True)
class Paragraphs:
    """Plain sentences."""

    kind: ClassVar[str] = "paragraphs"

    title: str
    paragraphs: Sequence[str]
    note: str = ""


Section = Gallery | Charts | Table | Metrics | Paragraphs


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


def write_report(path: Path, title: str, sections: Sequence[Section], **parts: Any) -> Path:
    """Write `render` of the same arguments to `path`, whole or not at all."""
    from genai_core.files.atomic import atomic_write

    return atomic_write(Path(path), render(title, sections, **parts).encode())


def render(
    title: str,
    sections: Sequence[Section],
    *,
    summary: str = "",
    facts: Sequence[Fact] = (),
    warnings: Sequence[str] = (),
    making: Making | None = None,
) -> str:
    """The report as one HTML document.

    Args:
        title: What was made, in a few words.
        sections: What there is to see, in order.
        summary: One or two sentences under the title.
        facts: Headline numbers, best four to six.
        warnings: What the reader must know before trusting the rest.
        making: Settings, seed, provenance and command.
    """
    style, script = _asset("report.css"), _asset("report.js")
    used = [section for section in sections if not (isinstance(section, Gallery) and not section.items)]
    return _environment().get_template("report.html.j2").render(
        title=title,
        summary=summary,
        facts=facts,
        warnings=warnings,
        making=making,
        sections=list(zip(_anchors([section.title for section in used]), used, strict=True)),
        style=style,
        script=script,
        policy=_policy(style, script),
        config=_flat(making.config) if making else [],
        record=_embeddable(making.record) if making and making.record else None,
    )  # fmt: skip


def data_uri(preview: Preview) -> str:
    """A preview's picture or sound as ``data:`` URI, its media type read from its first bytes."""
    if preview.kind == "svg":
        text = preview.data if isinstance(preview.data, str) else preview.data.decode()
        return "data:image/svg+xml," + quote(text, safe=" ~()*!.,;:/?@$+=-_|^{}[]")
    data = preview.data if isinstance(preview.data, bytes) else preview.data.encode()
    media = next((media for magic, media in _SIGNATURES if data.startswith(magic)), _FALLBACK[preview.kind])
    if data[:4] == b"RIFF":
        media = "image/webp" if data[8:12] == b"WEBP" else "audio/wav"
    return f"data:{media};base64,{base64.b64encode(data).decode()}"


def is_adaptive(preview: Preview) -> bool:
    """Whether a picture follows light and dark by itself; any other one gets a white ground to stand on."""
    return preview.kind == "svg" and "prefers-color-scheme" in str(preview.data)


def metric_row(metric: Metric) -> dict[str, str]:
    """What the metrics table shows of one metric, as text."""
    arrow, meaning = _ARROWS.get(metric.direction, ("", ""))
    unit = f" {metric.unit}" if metric.unit else ""
    known = metric.low is not None and metric.high is not None
    bar = Bar(metric.name, metric.value, metric.low, metric.high, metric.floor)
    return {
        "name": metric.name,
        "summary": metric.summary,
        "arrow": arrow,
        "meaning": meaning,
        "value": number(metric.value) + unit,
        "interval": f"{number(metric.low)} to {number(metric.high)}" if known else "",
        "floor": number(metric.floor),
        "bar": interval(bar),
    }


def unavailable(report: Evaluation) -> list[str]:
    """Why some metrics have no value, one sentence a reason."""
    names: dict[str, list[str]] = {}
    for metric in report.metrics:
        if not metric.available:
            names.setdefault(metric.reason or "no value", []).append(metric.name)
    return [f"Not available: {', '.join(which)} ({reason})." for reason, which in names.items()]


@cache
def _environment() -> jinja2.Environment:
    from jinja2 import Environment, PackageLoader, StrictUndefined

    environment = Environment(
        loader=PackageLoader("genai_core.results", "templates"),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=StrictUndefined,
    )
    environment.filters |= {"number": number, "cell": _cell, "bytes": _bytes, "is_number": _is_number}
    environment.filters |= {"data_uri": data_uri, "is_adaptive": is_adaptive, "metric_row": metric_row}
    environment.filters["unavailable"] = unavailable
    return environment


@cache
def _asset(name: str) -> str:
    return files("genai_core.results").joinpath("templates", name).read_text(encoding="utf-8")


def _policy(style: str, script: str) -> str:
    """Content-security policy: our own style and script by hash, pictures and sound from the file itself."""

    def digest(text: str) -> str:
        return "'sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode() + "'"

    return (
        f"default-src 'none'; style-src {digest(style)}; script-src {digest(script)}; "
        "img-src data:; media-src data:; base-uri 'none'; form-action 'none'"
    )


def _anchors(titles: Sequence[str]) -> list[str]:
    seen: dict[str, int] = {}
    names = []
    for title in titles:
        name = re.sub(r"[^a-z0-9]+", "-", title.lower()).strip("-") or "section"
        seen[name] = seen.get(name, 0) + 1
        names.append(f"s-{name}" if seen[name] == 1 else f"s-{name}-{seen[name]}")
    return names


def _flat(values: Mapping[str, Any], prefix: str = "") -> list[tuple[str, str]]:
    """Nested settings as ``(dotted key, text)``."""
    rows: list[tuple[str, str]] = []
    for key, value in values.items():
        if hasattr(value, "items"):
            rows += _flat(value, f"{prefix}{key}.") or [(f"{prefix}{key}", "none")]
        else:
            rows.append(
                (f"{prefix}{key}", value if isinstance(value, str) else json.dumps(value, default=str))
            )
    return rows


def _embeddable(record: Mapping[str, Any]) -> str:
    """JSON that cannot end the script element it stands in."""
    text = json.dumps(record, indent=2, sort_keys=True, ensure_ascii=False, default=str)
    return text.replace("<", "\\u003c").replace("\u2028", "\\u2028").replace("\u2029", "\\u2029")


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _cell(value: object) -> str:
    return number(value) if _is_number(value) else str(value)  # type: ignore[arg-type]  # a number


def _bytes(size: int) -> str:
    for unit, factor in (("MB", 1e6), ("kB", 1e3)):
        if size >= factor:
            return f"{size / factor:.1f} {unit}"
    return f"{size} B"
