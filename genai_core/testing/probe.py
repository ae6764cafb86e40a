"""A second Python process, for what one process cannot see: light imports and hash-seed independence."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from genai_core.data import digest
from genai_core.testing.promises import Broken

if TYPE_CHECKING:
    from genai_core.testing.bench import Bench

LOOK_AT = 64
TIMEOUT = 300


def modules_after(code: str) -> set[str]:
    """The modules that are loaded after `code` ran in a fresh interpreter."""
    return set(
        json.loads(_python(["-c", f"{code}\nimport sys, json; print(json.dumps(sorted(sys.modules)))"]))
    )


def data_digest(data: Any) -> str:
    """Digest of a data set: its fingerprint, its length and its first items."""
    from genai_core.testing.digests import content

    items = [content(data[index]) for index in range(min(LOOK_AT, len(data)))]
    return digest([data.fingerprint(), len(data), items])


def model_digest(bench: Bench, spec: Any) -> str:
    """Digest of a model that was trained and sampled from, whichever it can."""
    from genai_core.testing.digests import content, state_digest

    samples = (
        [content(artifact) for artifact in bench.sample(spec, 5)] if "sample" in spec.capabilities else []
    )
    return digest([state_digest(bench.model(spec)), samples])


def probe(bench: Bench) -> Mapping[str, str]:
    """Digests of every data set and model of the plugin, computed in another process; made once."""
    if bench.probed is None:
        request = {
            "module": bench.module.__name__,
            "plugin": bench.plugin,
            "configs": bench.configs,
            "datasets": bench.datasets,
            "options": bench.options,
        }
        bench.probed = json.loads(_python(["-m", "genai_core.testing.probe"], json.dumps(request)))
    return bench.probed


def main() -> None:
    """Answer one request from stdin on stdout."""
    from importlib import import_module

    from genai_core.plugins.registry import registry
    from genai_core.testing.bench import Bench
    from genai_core.testing.observe import one_thread

    request = json.load(sys.stdin)
    if request["plugin"] not in registry().plugins:
        registry().register(import_module(request["module"]), request["plugin"])
    bench = Bench(request["plugin"], request["configs"], request["datasets"], options=request["options"])
    answer = {}
    digests: dict[str, Callable[[Any], str]] = {
        "dataset": lambda spec: data_digest(bench.data(spec)),
        "model": lambda spec: model_digest(bench, spec),
    }
    for kind, make in digests.items():
        for spec in bench.specs(kind):
            # What fails here is missing in the answer; the check that asks for it says so.
            with one_thread(), suppress(Exception):
                answer[spec.id] = make(spec)
    print(json.dumps(answer))


def _python(arguments: list[str], given: str = "") -> str:
    # Fixed, but another than this process's: sets and hash() then show in another order.
    seed = "12345" if os.environ.get("PYTHONHASHSEED") != "12345" else "54321"
    environment = {
        **os.environ,
        "PYTHONHASHSEED": seed,
        "PYTHONPATH": os.pathsep.join(filter(None, sys.path)),
    }
    done = subprocess.run(
        [sys.executable, *arguments], input=given, capture_output=True, text=True, timeout=TIMEOUT,
        env=environment, check=False,
    )  # fmt: skip
    if done.returncode:
        last = (done.stderr.strip().splitlines() or ["no message"])[-1]
        raise Broken(f"another Python process failed (exit {done.returncode}): {last}")
    return done.stdout.splitlines()[-1]


if __name__ == "__main__":
    main()
