"""Start-up: CPU time of ``genai --help`` and ``genai list`` with ten plugins, beside llm and datasette.

    python benchmarks/startup.py [--peers VENV] [--repeats 15]

VENV holds the peers: ``python -m venv VENV && VENV/bin/pip install llm datasette``. The ten plugins are
distributions of eight specs each, written into a temporary folder. CPU time (user + system, children
included) is the median of the repeats; commands take turns, so that a busy machine slows all alike.
Targets: 60 ms for --help, 110 ms for list.
"""

from __future__ import annotations

import argparse
import os
import resource
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

PLUGIN = """
from genai_core.plugins.hookspecs import hookimpl
from genai_core.plugins.specs import DatasetSpec, ModelSpec

GENAI_API = 1


@hookimpl
def genai_datasets():
    for i in range(4):
        yield DatasetSpec(name=f"data-{i}", summary="A data set", modality="text", factory="torch:nn")


@hookimpl
def genai_models():
    for i in range(4):
        yield ModelSpec(name=f"model-{i}", summary="A model", modality="text", family="vae",
                        capabilities=frozenset({"train", "sample"}), factory="torch:nn")
"""
TARGETS = {"genai --help": 60, "genai list, 10 plugins": 110}


def write_plugins(site: Path, count: int) -> None:
    """Write `count` distributions with one plugin each."""
    for number in range(count):
        (site / f"light{number}.py").write_text(PLUGIN)
        info = site / f"genai_light{number}-1.0.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: genai-light{number}\nVersion: 1.0\n")
        (info / "entry_points.txt").write_text(f"[genai_core.plugins]\nlight{number} = light{number}\n")


def cpu_ms(command: list[str], environment: dict[str, str]) -> float:
    """CPU milliseconds of one run of `command`."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    done = subprocess.run(command, env=environment, capture_output=True, check=False)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    if done.returncode:
        raise SystemExit(f"{' '.join(command)} failed:\n{done.stderr.decode()}")
    return (after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime) * 1000


def heavy_modules(environment: dict[str, str]) -> list[str]:
    """The heavy modules that are loaded after ``genai list``."""
    code = (
        "import sys\nfrom genai_core.cli.main import main\nmain(['list', '-q'])\n"
        "print(*{'torch', 'numpy', 'rdkit', 'cv2', 'pydantic'} & sys.modules.keys(), file=sys.stderr)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True
    )
    return done.stderr.split()


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--peers", type=Path, help="virtual environment with llm and datasette")
    parser.add_argument("--repeats", type=int, default=15)
    options = parser.parse_args()
    genai = str(Path(sys.executable).with_name("genai"))
    with tempfile.TemporaryDirectory() as folder:
        site = Path(folder)
        write_plugins(site, 10)
        plain = {**os.environ, "LLM_USER_PATH": folder}
        ours = {**plain, "PYTHONPATH": folder}
        commands = {
            "python -c pass": ([sys.executable, "-c", "pass"], plain),
            "python -c 'import click'": ([sys.executable, "-c", "import click"], plain),
            "genai --help": ([genai, "--help"], ours),
            "genai list, 10 plugins": ([genai, "list"], ours),
        }
        if options.peers:
            commands["llm plugins"] = ([str(options.peers / "bin/llm"), "plugins"], plain)
            commands["datasette plugins"] = ([str(options.peers / "bin/datasette"), "plugins"], plain)
        times: dict[str, list[float]] = {name: [] for name in commands}
        for _ in range(options.repeats + 1):
            for name, (command, environment) in commands.items():
                times[name].append(cpu_ms(command, environment))
        heavy = heavy_modules(ours)
    print("| command | CPU ms, median | least | target |\n|---|---|---|---|")
    for name, values in times.items():
        kept = values[1:]  # the first run fills caches
        print(f"| `{name}` | {statistics.median(kept):.0f} | {min(kept):.0f} | {TARGETS.get(name, '')} |")
    print(f"\nheavy modules after `genai list`: {', '.join(heavy) or 'none'}")
    print(f"load of the machine: {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores")


if __name__ == "__main__":
    main()
