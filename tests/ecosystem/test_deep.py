"""`genai doctor --deep` survives whatever code behind a plugin does, and says what it was."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest

PATIENCE = 6  # seconds; other processes may keep the machine busy


def _plant(site: Any, fault: dict[str, Any]) -> None:
    module = fault["module"]
    if "@hookimpl" not in module and "name" in fault and not fault["name"].startswith("module-"):
        module += "\n@hookimpl\ndef genai_datasets():\n    yield DatasetSpec(**X)\n"
    files = {"genai_bad/code.py": fault.get("code", "")}
    site.add(fault["name"], module, package="genai_" + fault["name"].replace("-", "_"), files=files)


@pytest.mark.slow
def test_deep_tells_how_each_ended(site: Any, deep_faults: list[dict[str, Any]]) -> None:
    for fault in deep_faults:
        _plant(site, fault)
    ours = ",".join(["good", *(fault["name"] for fault in deep_faults)])
    done = site.run("doctor", "--deep", "--json", "--timeout", str(PATIENCE), GENAI_PLUGINS=ours)
    assert done.returncode == 1, done.stderr
    findings = json.loads(done.stdout)
    for fault in deep_faults:
        mine = [f for f in findings if f["subject"] == f"plugin {fault['name']}"]
        level = fault.get("level", "error")
        found = [
            f for f in mine if f["level"] == level and all(words in f["message"] for words in fault["says"])
        ]
        assert len(found) == 1, (fault["says"], mine)
        assert found[0]["fix"]
    good = [f for f in findings if f["subject"] == "plugin good"]
    assert [f["level"] for f in good] == ["ok", "error"], good  # its factory's module is not there
    assert "genai_good.data" in good[1]["message"]


def test_the_fast_part_survives_a_module_that_leaves(site: Any) -> None:
    site.add("leaver", "import os; os._exit(0)")
    done = site.run("doctor", "--json", GENAI_PLUGINS="good,leaver")
    assert done.returncode == 1
    finding = next(f for f in json.loads(done.stdout) if f["subject"] == "plugin leaver")
    assert "it ends the process with exit code 0" in finding["message"]
    assert finding["fix"] == "GENAI_DISABLE_PLUGINS=leaver switches it off"
    assert site.run("doctor", "-q", GENAI_PLUGINS="good").returncode == 0


def test_what_a_hanging_module_started_is_ended_too(site: Any, tmp_path: Any) -> None:
    mark = tmp_path / "alive"
    child = (
        f"import time, pathlib\\nwhile True:\\n    pathlib.Path({str(mark)!r}).touch()\\n    time.sleep(0.05)"
    )
    site.add(
        "spawner",
        f'import subprocess, sys, time\nsubprocess.Popen([sys.executable, \'-c\', """{child}"""])\n'
        "time.sleep(600)\n",
    )
    site.run("doctor", "-q", "--timeout", "3", GENAI_PLUGINS="spawner")
    if not mark.exists():
        pytest.skip("the machine was too busy to start the grandchild within 3 s")
    mark.unlink()
    time.sleep(1.0)
    assert not mark.exists()


def test_doctor_imports_no_torch(site: Any) -> None:
    code = (
        "import sys\nfrom genai_core.plugins.doctor import run_checks\nrun_checks()\n"
        "print(sorted({'torch', 'numpy', 'rdkit', 'cv2'} & set(sys.modules)))"
    )
    done = site.run(code=code, GENAI_PLUGINS="good")
    assert done.stdout == "[]\n", done.stderr
