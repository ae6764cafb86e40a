"""No code here loads or writes a pickle, or runs text as code; and the watch over written files works."""

from __future__ import annotations

import ast
import gzip
import io
import zipfile

import pytest

from support.pickle_watch import pickle_in
from support.tree import ROOT, short, tracked

MODULES = {"pickle", "_pickle", "cPickle", "marshal", "shelve", "dill", "joblib", "cloudpickle", "jsonpickle"}
NAMES = {
    "torch.load",
    "torch.save",
    "torch.serialization.load",
    "torch.serialization.save",
    "torch.jit.load",
    "torch.jit.save",
    "torch.hub.load",
    "torch.package",
    "pandas.read_pickle",
    "numpy.lib.format.read_array",
    "yaml.load",
    "yaml.load_all",
    "yaml.full_load",
    "yaml.unsafe_load",
}
BUILTINS = {"eval", "exec", "__import__"}
IMPORTERS = {"importlib.import_module", "__import__", "pytest.importorskip"}


class Scan(ast.NodeVisitor):
    """Collects ``line: what`` of everything forbidden, through aliases and from-imports."""

    def __init__(self, source: str) -> None:
        self.found: list[str] = []
        self.names: dict[str, str] = {}
        tree = ast.parse(source)
        for node in ast.walk(tree):  # aliases first: a function may use what the module imports below it
            if isinstance(node, ast.Import):
                for alias in node.names:
                    self.names[alias.asname or alias.name.split(".")[0]] = (
                        alias.name if alias.asname else alias.name.split(".")[0]
                    )
            elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
                for alias in node.names:
                    self.names[alias.asname or alias.name] = f"{node.module}.{alias.name}"
        self.visit(tree)

    def dotted(self, node: ast.expr) -> str:
        """`torch.load` for ``t.load`` after ``import torch as t``; empty when it is no plain name."""
        if isinstance(node, ast.Name):
            return self.names.get(node.id, node.id)
        if isinstance(node, ast.Attribute):
            base = self.dotted(node.value)
            return f"{base}.{node.attr}" if base else ""
        return ""

    def flag(self, node: ast.AST, name: str) -> None:
        if name.partition(".")[0] in MODULES or name in NAMES:
            self.found.append(f"{getattr(node, 'lineno', 0)}: {name}")

    def visit_Import(self, node: ast.Import) -> None:
        for alias in node.names:
            self.flag(node, alias.name)

    def visit_ImportFrom(self, node: ast.ImportFrom) -> None:
        if not node.level:
            for alias in node.names:
                self.flag(node, f"{node.module}.{alias.name}")

    def visit_Attribute(self, node: ast.Attribute) -> None:
        self.flag(node, self.dotted(node))
        if node.attr in ("to_pickle", "read_pickle"):
            self.found.append(f"{node.lineno}: .{node.attr}")
        self.generic_visit(node)

    def visit_Call(self, node: ast.Call) -> None:
        name = self.dotted(node.func).removeprefix("builtins.")
        if name in BUILTINS:
            self.found.append(f"{node.lineno}: {name}()")
        first = node.args[0].value if node.args and isinstance(node.args[0], ast.Constant) else None
        if name in IMPORTERS and isinstance(first, str):
            self.flag(node, first)
        if name == "getattr" and len(node.args) > 1 and isinstance(node.args[1], ast.Constant):
            self.flag(node, f"{self.dotted(node.args[0])}.{node.args[1].value}")
        for keyword in node.keywords:
            off = isinstance(keyword.value, ast.Constant) and keyword.value.value is False
            if keyword.arg == "allow_pickle" and not off:
                self.found.append(f"{node.lineno}: allow_pickle")
            if keyword.arg == "weights_only":
                self.found.append(f"{node.lineno}: weights_only")
        self.generic_visit(node)


def test_no_code_pickles() -> None:
    found = [
        f"{short(path)}:{line}"
        for path in tracked("*.py")
        for line in Scan(path.read_text(encoding="utf-8")).found
    ]
    assert not found, "\n".join(found)


@pytest.mark.parametrize(
    "source",
    [
        "import pickle",
        "import pickle as p",
        "from pickle import loads as read",
        "from multiprocessing import reduction; import cloudpickle.cloudpickle",
        "import dill",
        "import joblib.numpy_pickle",
        "import torch as t\nt.load('x')",
        "from torch import load",
        "from torch import save as keep",
        "def f():\n    return torch.save\nimport torch",
        "import torch\nloader = torch.serialization.load",
        "from torch import serialization as s\ns.load(1)",
        "import torch\ngetattr(torch, 'load')('x')",
        "import numpy as np\nnp.load('x', allow_pickle=True)",
        "import numpy as np\nnp.load('x', allow_pickle=flag)",
        "import pandas\npandas.read_pickle('x')",
        "frame.to_pickle('x')",
        "import yaml\nyaml.load(text)",
        "from yaml import load",
        "eval('1')",
        "exec('1')",
        "import builtins as b\nb.eval('1')",
        "__import__('pickle')",
        "import importlib\nimportlib.import_module('pickle')",
        "from importlib import import_module as get\nget('_pickle')",
    ],
)
def test_the_scan_finds(source: str) -> None:
    assert Scan(source).found


@pytest.mark.parametrize(
    "source",
    [
        "model.eval()",
        "import torch\ntorch.compile(model)",
        "import numpy as np\nnp.load('x', allow_pickle=False)\nnp.load('x')",
        "import re\nre.compile('x')",
        "from safetensors.torch import load, save",
        "import json\njson.load(stream)",
        "import yaml\nyaml.safe_load(text)",
        "from importlib import import_module\nimport_module('torch')",
    ],
)
def test_the_scan_lets_pass(source: str) -> None:
    assert not Scan(source).found


def _zip(**members: bytes) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return stream.getvalue()


PROTOCOL_2 = b"\x80\x02}q\x00X\x01\x00\x00\x00aq\x01K\x01s."  # {"a": 1}
PROTOCOL_0 = b"(dp0\nVa\np1\nI1\ns."
NPY_OBJECTS = b"\x93NUMPY\x01\x00v\x00{'descr': '|O', 'fortran_order': False, 'shape': (1,), }" + PROTOCOL_2


@pytest.mark.parametrize(
    "data",
    [
        PROTOCOL_2,
        PROTOCOL_0,
        NPY_OBJECTS,
        gzip.compress(PROTOCOL_2),
        _zip(data=PROTOCOL_2),
        _zip(arr_0=NPY_OBJECTS),
        _zip(inner=gzip.compress(PROTOCOL_0)),
    ],
    ids=["protocol 2", "protocol 0", "npy of objects", "gzip", "torch zip", "npz", "gzip in zip"],
)
def test_the_watch_finds(data: bytes) -> None:
    assert pickle_in(io.BytesIO(data))


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b".",
        b"CCO\nc1ccccc1\n",
        b"A sentence that ends with a full stop.",
        b"\x80\x02" + bytes(6) + b'{"w":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}',
        _zip(a=b"text", b=b"\x93NUMPY\x01\x00v\x00{'descr': '<f4', 'fortran_order': False, 'shape': (1,), }"),
        gzip.compress(b"CCO\n", mtime=0)[:-4],
        b"PK\x03\x04 not a zip",
    ],
)
def test_the_watch_lets_pass(data: bytes) -> None:
    assert pickle_in(io.BytesIO(data)) is None


def test_the_watch_fails_a_session(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", str(ROOT / "tests"))
    pytester.makepyfile(
        "def test_writes(tmp_path):\n"
        f"    (tmp_path / 'cache.bin').write_bytes({PROTOCOL_2!r})\n"
        f"    (tmp_path / 'planted.bin').write_bytes({PROTOCOL_2!r})\n"
    )
    result = pytester.runpytest_subprocess(
        "-p", "support.pickle_watch", f"--basetemp={pytester.path / 'planted'}"
    )
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    result.stdout.fnmatch_lines(["*pickles written by tests*", "*cache.bin: pickle protocol 2"])
    result.stdout.no_fnmatch_line("*planted.bin*")
