"""A broken plugin is told in one line with its fix, and hurts nobody else: alone, and all of them at once."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest


def _plant(site: Any, fault: dict[str, Any]) -> None:
    known = ("entry_points", "metadata", "encoding", "files")
    over = {key: fault[key] for key in known if key in fault}
    site.add(fault["name"], fault["module"], package="genai_" + fault["name"].replace("-", "_"), **over)


def _check(fault: dict[str, Any], stderr: str, ids: list[str]) -> None:
    plugin = fault.get("plugin", fault["name"])
    lines = [line for line in stderr.splitlines() if line.startswith(f"genai: plugin {plugin!r} (")]
    matching = [line for line in lines if all(words in line for words in fault["says"])]
    assert len(matching) == 1, "\n".join([*fault["says"], "---", stderr])
    assert "Try: " in matching[0]
    assert [name for name in ids if name.startswith(fault["name"] + "/")] == fault.get("kept", [])


def test_alone(site: Any, fault: dict[str, Any]) -> None:
    _plant(site, fault)
    listed = site.run("list", "--json")
    assert listed.returncode == 0, listed.stderr
    ids = [spec["id"] for spec in json.loads(listed.stdout)]
    assert {"core/text", "good/thing"} <= set(ids)
    _check(fault, listed.stderr, ids)
    assert "Traceback" not in listed.stderr

    version = site.run("--version")
    assert (version.returncode, version.stderr) == (0, "")


def test_all_at_once(site: Any, faults: list[dict[str, Any]]) -> None:
    for fault in faults:
        _plant(site, fault)
    assert len(faults) >= 60
    listed = site.run("list", "--json")
    assert listed.returncode == 0, listed.stderr
    ids = [spec["id"] for spec in json.loads(listed.stdout)]
    assert {"core/text", "good/thing"} <= set(ids)
    for fault in faults:
        _check(fault, listed.stderr, ids)

    for command in (("info", "core/text"), ("info", "good/thing"), ("schema", "good/thing"), ("--help",)):
        done = site.run(*command)
        assert done.returncode == 0, done.stderr
        assert "Traceback" not in done.stderr


def test_doctor_tells_each_in_full(site: Any, faults: list[dict[str, Any]]) -> None:
    for fault in faults:
        _plant(site, fault)
    done = site.run("doctor", "--json")
    assert done.returncode == 1, done.stderr
    findings = json.loads(done.stdout)
    for fault in faults:
        plugin = fault.get("plugin", fault["name"])
        found = [f for f in findings if f["subject"] == f"plugin {plugin}" and f["level"] != "ok"]
        assert found, plugin
        assert all(f["fix"] for f in found)
        assert all(f["level"] == "warning" for f in found) == ("kept" in fault and plugin == fault["name"])
    raised = next(f for f in findings if f["subject"] == "plugin hook-raises")
    assert 'raise RuntimeError("no models today\\nsecond line")' in raised["message"]


@pytest.mark.parametrize("name", ["syntax-error", "unknown-hook"])
def test_strict_raises_the_first_fault(site: Any, faults: list[dict[str, Any]], name: str) -> None:
    fault = next(fault for fault in faults if fault["name"] == name)
    _plant(site, fault)
    done = site.run("list", GENAI_STRICT="1")
    assert done.returncode == 1
    assert fault["says"][0] in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("command", [["list"], ["--no-plugins", "list"]])
def test_switched_off_plugins_are_not_imported(site: Any, command: list[str]) -> None:
    site.add("killer", "import os; os._exit(9)")
    environment = {} if "--no-plugins" in command else {"GENAI_DISABLE_PLUGINS": "killer, other"}
    done = site.run(*command, **environment)
    assert (done.returncode, done.stderr) == (0, "")
    assert ("good/thing" in done.stdout) == (command == ["list"])
    assert site.run("list", GENAI_PLUGINS="good").returncode == 0
    only = site.run("list", "-q", GENAI_PLUGINS="").stdout.split()
    assert all(name.startswith("core/") for name in only)


def test_ctrl_c_is_not_a_fault(site: Any) -> None:
    site.add("interrupted", "raise KeyboardInterrupt")
    done = site.run("list")
    assert done.returncode == 130
    assert "Traceback" not in done.stderr
    assert site.run("list", GENAI_DISABLE_PLUGINS="interrupted").returncode == 0


def test_the_first_copy_on_the_path_counts(site: Any, new_site: Callable[..., Any], tmp_path: Any) -> None:
    behind = new_site(tmp_path / "behind")  # holds another copy of the plugin `good`
    done = site.run("list", "-q", PYTHONPATH=f"{site.folder}:{behind.folder}")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.split().count("good/thing") == 1


def test_a_broken_stranger_is_none_of_our_business(site: Any) -> None:
    info = site.folder / "stranger-1.0.dist-info"
    info.mkdir()
    (info / "entry_points.txt").write_bytes(b"[console_scripts]\n\xff broken")
    (site.folder / "empty-1.0.dist-info").mkdir()
    done = site.run("list")
    assert (done.returncode, done.stderr) == (0, "")
