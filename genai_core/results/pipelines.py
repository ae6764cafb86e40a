"""Pipelines: one call from settings to a folder of files, numbers and a report.

A plugin's pipeline is ``factory(config, run)``; it works and tells the `PipelineRun` what came of it::

    out/  leads.smi, ...    what the pipeline saved     each file with NAME.genai.json beside it
          metrics.json      counts, evaluations         config.toml   everything resolved
          report.html       all of it to look at        credentials.zip   all records, signed (if installed)
          manifest.json     whose folder this is

A folder belongs to one pipeline with one configuration and one seed. The same may come again, after a kill or
to make the same once more: it replaces files that have their record beside them, unless somebody changed them
since. Any other folder that is not empty is refused before anything is touched.
"""

from __future__ import annotations

import json
import shlex
import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import KW_ONLY, dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from genai_core.config import Config, to_settings, to_toml
from genai_core.errors import UsageError
from genai_core.files import provenance
from genai_core.files.atomic import TEMPORARY, claim, inside, locked, make_folder, safe_name
from genai_core.plugins.registry import registry
from genai_core.protocols import Context, RunInfo, derive_seed
from genai_core.results.report import Fact, Making, Metrics, Page, Section
from genai_core.running.runs import announced

if TYPE_CHECKING:
    from genai_core.files.artifacts import Artifact
    from genai_core.plugins.specs import PipelineSpec
    from genai_core.results.evaluate import Report
    from genai_core.running.models import Loaded

REPORT, MANIFEST = "report.html", "manifest.json"
_OTHER = "move it away, or choose another folder with -o"
Progress = Callable[..., None]


@dataclass(eq=False)
class PipelineRun:
    """What a pipeline is handed: where to put files, numbers and sections, and where randomness comes from.

    Attributes:
        path: The output folder.
        spec: The pipeline's spec.
        config: Its resolved configuration.
        seed: Seed of the whole run.
        wanted_device: ``auto`` or a torch device.
        progress: ``progress(what, done, total)`` says what is being done now and how far it is; without
            `total` where that is unknown.
        files: Names of the files written so far, in order.
        counts: Numbers for metrics.json.
        page: What the report shows so far.
    """

    path: Path
    spec: PipelineSpec
    config: Config
    seed: int
    _: KW_ONLY
    wanted_device: str = "auto"
    progress: Progress = lambda what, done=0, total=0: None
    files: list[str] = field(default_factory=list)
    counts: dict[str, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.page = Page(self.spec.summary)
        self._model: Loaded | None = None

    @cached_property
    def device(self) -> str:
        """The torch device; looked for when first asked, because that imports torch."""
        from genai_core.running.device import pick_device

        return pick_device(self.wanted_device)

    @property
    def report(self) -> Path:
        """The report."""
        return self.path / REPORT

    @property
    def warnings(self) -> list[str]:
        """What a reader must know."""
        return self.page.warnings

    def context(self, *purpose: object, options: Config | None = None) -> Context:
        """A `Context` whose randomness depends on the run's seed and `purpose` alone."""
        return Context(
            seed=derive_seed(self.seed, self.spec.id, *purpose), device=self.device, options=options
        )

    def load_model(self, where: str | Path) -> Loaded:
        """Load the model that generates; its weights and data go into every record of the run."""
        from genai_core.running.models import load_model

        self._model = load_model(where, self.device)
        return self._model

    def resolve(self, **values: Any) -> Any:
        """Settle settings that were left to this machine (``"auto"``) and return the new configuration.

        Records, config.toml and the report's command name what was settled, so that it can be made again
        where the machine would settle otherwise.
        """
        self.config = self.config.model_copy(update=values)
        return self.config

    def save(self, artifact: Artifact, name: str) -> Path:
        """Write an artifact, its record beside it and, where the format has a place, inside."""
        with self._writing(name) as path:
            artifact.record = self._record(name, artifact.modality)
            artifact.save(path)
        return path

    def write(self, name: str, data: bytes | str) -> Path:
        """Write any other file into the folder, its record beside it."""
        with self._writing(name) as path:
            data = data if isinstance(data, bytes) else data.encode()
            provenance.write_recorded(path, data, self._record(name, self.spec.modality))
        return path

    def scratch(self, name: str) -> Path:
        """A folder for work that the same call need not do again after a kill; gone when the run is done.

        Nothing says that it is of the same inputs: whoever fills it has to note what they were.
        """
        return make_folder(self.path / f"{TEMPORARY}{safe_name(name)}")

    def headline(self, title: str, summary: str = "") -> None:
        """Title of the report, and one or two sentences under it."""
        self.page.title, self.page.summary = title, summary

    def fact(self, label: str, value: str, note: str = "") -> None:
        """A number to decide by, in large type at the top of the report."""
        self.page.facts.append(Fact(label, value, note))

    def count(self, name: str, value: float) -> None:
        """A number for metrics.json."""
        self.counts[name] = value

    def section(self, section: Section) -> None:
        """The next section of the report."""
        self.page.sections.append(section)

    def metrics(self, report: Report, title: str = "Metrics", note: str = "") -> None:
        """An evaluator's report: a section here, and part of metrics.json."""
        self.section(Metrics(title, report, note=note))

    def warn(self, message: str) -> None:
        """What a reader must know; at the top of the report and on stderr."""
        self.page.warnings.append(message)

    def open(self) -> PipelineRun:
        """Show the report in the browser."""
        import webbrowser

        webbrowser.open(self.report.resolve().as_uri())
        return self

    def __repr__(self) -> str:
        return f"PipelineRun({self.spec.id}, {str(self.path)!r}, {len(self.files)} files)"

    def _finish(self) -> None:
        self.progress("writing the report")
        config = self.config.model_dump(mode="json")
        numbers = {"pipeline": self.spec.id, "seed": self.seed, "counts": self.counts}
        reports = [each.report.to_dict() for each in self.page.sections if isinstance(each, Metrics)]
        numbers |= {"warnings": self.warnings, "reports": reports}
        contents = {name: provenance.read_record(self.path / name)["content"] for name in self.files}
        made = [(name, content["sha256"], content["size"]) for name, content in contents.items()]
        self.write("config.toml", to_toml(config))
        text = json.dumps(provenance.each_leaf(numbers, _rounded), indent=1, ensure_ascii=False)
        self.write("metrics.json", text + "\n")
        record = self._record(REPORT, self.spec.modality)
        self.page.making = Making(self.spec.id, self.seed, config, self._command(), record, made)
        self.write(REPORT, self.page.render())
        provenance.sign_folder(self.path, self.files)

    @contextmanager
    def _writing(self, name: str) -> Iterator[Path]:
        if safe_name(name) == MANIFEST or name.endswith(provenance.SUFFIX):
            raise UsageError(f"{self.spec.id}: {name} is not for a pipeline to write")
        path = inside(self.path, name)
        if path.exists() and not provenance.record_path(path).exists():
            raise UsageError(f"{path} is there and was not made by this run", hint=_OTHER)
        yield path
        if name not in self.files:
            self.files.append(name)

    def _record(self, output: str, modality: str) -> dict[str, Any]:
        config, source_type = self.config.model_dump(mode="json"), self.spec.source_type
        origin = {"kind": "pipeline", "pipeline": self.spec.id, "config": config, "seed": self.seed}
        recipe = {**origin, "output": output}
        return provenance.make_record(
            recipe, config=config, modality=modality, model=self._model, source_type=source_type
        )

    def _command(self) -> str:
        """The command line that makes the same again: the settings that are not at their default."""
        settings = to_settings(self.config.model_dump(mode="json", exclude_defaults=True))
        return shlex.join(["genai", "run", self.spec.id, "--seed", str(self.seed), "-o", "out", *settings])


def run_pipeline(
    name: str,
    values: Mapping[str, Any],
    *,
    seed: int = 0,
    out: Path | None = None,
    device: str = "auto",
    progress: Progress = PipelineRun.progress,
) -> PipelineRun:
    """Run the pipeline called `name` and write its files, metrics.json and report.html.

    Args:
        name: Id of the pipeline.
        values: Its settings.
        seed: Seed of everything; the same settings and seed give the same bytes.
        out: Folder: new, empty, or of the same pipeline, settings and seed. Default: one under ``runs``.
        device: ``auto`` or a torch device.
        progress: Called with what is being done, how much of it is done, and of how much (0: unknown).

    Raises:
        UnknownId: There is no such pipeline.
        ConfigError: A setting is unknown or out of range.
        UsageError: `out` holds something else.
        ResourceError: `out` cannot be written, or another process works in it.
    """
    spec: PipelineSpec = registry().find("pipeline", name)
    config = registry().config_class(spec).parse(values, where=spec.id)
    path = out or Path("runs") / f"{spec.id.replace('/', '-')}-{config.hash()[:8]}-seed{seed}"
    factory = registry().load(spec)
    run = PipelineRun(path, spec, config, seed, wanted_device=device, progress=progress)
    info = RunInfo(id=path.name, kind="pipeline", spec_id=spec.id, path=path)
    with _claimed(run), announced(info):
        factory(config, run)
        run._finish()
        for scratch in path.glob(f"{TEMPORARY}*/"):
            shutil.rmtree(scratch, ignore_errors=True)
    return run


@contextmanager
def _claimed(run: PipelineRun) -> Iterator[None]:
    """Hold the run's folder; refuse it when it is another's, or when a file in it was changed."""

    def records() -> list[Path]:
        return sorted(run.path.glob(f"*{provenance.SUFFIX}"))

    with locked(make_folder(run.path)):
        owner = {"pipeline": run.spec.id, "settings": run.config.hash(), "seed": run.seed}
        claim(run.path, MANIFEST, owner)
        for record in records():
            path = record.with_name(record.name.removesuffix(provenance.SUFFIX))
            if path.exists() and not provenance.intact(path):
                raise UsageError(f"{path} was changed since it was made", hint=_OTHER)
        try:
            yield
        except BaseException:
            if not records():  # nothing came of it: leave the folder to whoever comes next
                (run.path / MANIFEST).unlink(missing_ok=True)
            raise


def _rounded(value: Any) -> Any:
    """A float to nine digits: what further digits say depends on the machine's summation order."""
    return float(f"{value:.9g}") if isinstance(value, float) else value
