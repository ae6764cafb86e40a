"""Turns the promises into results for a program, or into a test class for pytest."""

from __future__ import annotations

import traceback
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from importlib import import_module
from typing import Any, Literal

from genai_core.testing.bench import Bench
from genai_core.testing.observe import one_thread
from genai_core.testing.promises import CHECKS, Check, NotApplicable

SUBJECTS = ("specs", "config", "dataset", "model", "training", "sampling", "evaluator", "artifact", "hygiene")
for _subject in SUBJECTS:
    import_module(f"genai_core.testing.checks_{_subject}")

Status = Literal["kept", "broken", "not applicable"]


@dataclass(frozen=True, slots=True)
class Result:
    """What one check found about one spec (or the plugin: `spec_id` is then its name)."""

    check: str
    spec_id: str
    status: Status
    message: str = ""


def cases(bench: Bench) -> Iterator[tuple[Check, Any]]:
    """Every check with every spec of the plugin that it is about; None stands for the plugin."""
    for check in CHECKS:
        if check.kind == "plugin":
            yield check, None
        else:
            yield from ((check, spec) for spec in bench.specs(check.kind) if check.applies(spec))


def run_case(bench: Bench, check: Check, spec: Any) -> Result:
    """Run one check; whatever plugin code raises breaks the promise."""
    name = bench.plugin if spec is None else spec.id
    try:
        with one_thread():
            check.run(bench, spec)
    except NotApplicable as reason:
        return Result(check.name, name, "not applicable", str(reason))
    except Exception as error:
        kind = "" if isinstance(error, AssertionError) else f"{type(error).__name__}: "
        return Result(check.name, name, "broken", f"{kind}{error}{_where(error)}")
    return Result(check.name, name, "kept")


def make_class(
    plugin: str,
    configs: Mapping[str, Mapping[str, Any]],
    datasets: Mapping[str, str],
    artifacts: Mapping[str, Any],
    options: Mapping[str, Mapping[str, Any]],
    skip: Mapping[str, str],
) -> type:
    """See `genai_core.testing.contract_suite`."""
    bench = Bench(plugin, configs, datasets, artifacts, options)
    by_name: dict[str, list[tuple[Check, Any]]] = {}
    for check, spec in cases(bench):
        by_name.setdefault(check.name, []).append((check, spec))
    _refuse_unknown(skip)
    methods = {f"test_{name}": _method(bench, found, skip) for name, found in by_name.items()}
    return type("ContractSuite", (), {"__doc__": f"The promises of the plugin {plugin!r}.", **methods})


def _method(bench: Bench, found: list[tuple[Check, Any]], skip: Mapping[str, str]) -> Callable[..., None]:
    import pytest

    def test(self: Any, case: tuple[Check, Any]) -> None:
        check, spec = case
        name = bench.plugin if spec is None else spec.id
        reason = skip.get(f"{check.name}[{name}]", skip.get(check.name))
        if reason:
            pytest.skip(reason)
        result = run_case(bench, check, spec)
        if result.status == "not applicable":
            pytest.skip(result.message)
        if result.status == "broken":
            pytest.fail(f"{name} breaks a promise: {check.promise}\n{result.message}", pytrace=False)

    test.__doc__ = found[0][0].promise
    ids = [bench.plugin if spec is None else spec.id for _, spec in found]
    parametrised: Callable[..., None] = pytest.mark.parametrize("case", found, ids=ids)(test)
    return parametrised


def _refuse_unknown(skip: Mapping[str, str]) -> None:
    from genai_core.errors import UsageError, did_you_mean

    names = {check.name for check in CHECKS}
    for key in skip:
        name = key.partition("[")[0]
        if name not in names:
            raise UsageError(
                f"skip={{{key!r}: ...}}: no promise has this name", hint=did_you_mean(name, names)
            )


def _where(error: BaseException) -> str:
    """The last frames of an error of the plugin's own code; nothing for a check that just found otherwise."""
    own = error.__cause__ or (None if isinstance(error, AssertionError) else error)
    if own is None:
        return ""
    return "\n" + "".join(traceback.format_tb(own.__traceback__)[-4:]).rstrip()


def promises_table() -> str:
    """Every promise as a row of a Markdown table: its name, what it is about, and what it says."""
    rows: dict[str, tuple[list[str], str]] = {}
    for check in CHECKS:
        rows.setdefault(check.name, ([], check.promise))[0].append(check.kind)
    lines = ["| promise | about | what it says |", "|---|---|---|"]
    for name, (kinds, text) in rows.items():
        lines.append(f"| `{name}` | {', '.join(kinds)} | {text} |")
    return "\n".join(lines) + "\n"
