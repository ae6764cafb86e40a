"""Made-up resource collections of Qt."""

from __future__ import annotations

import struct
import zlib


def collection(files: dict[str, bytes], version: int = 2, packed: bool = False) -> bytes:
    """A collection of files by path; `packed` squeezes them with zlib."""
    names, contents, tree = b"", b"", []
    levels: dict[str, list[str]] = {"": []}
    for path in files:
        parts = path.split("/")
        for depth in range(len(parts)):
            above, own = "/".join(parts[:depth]), "/".join(parts[: depth + 1])
            if own not in levels.setdefault(above, []):
                levels[above].append(own)
    order = [""]
    for path in order:
        order += levels.get(path, [])
    for path in order:
        name = path.rpartition("/")[2]
        row = struct.pack(">I", len(names) if path else 0)
        if path:
            names += struct.pack(">HI", len(name), 0) + name.encode("utf-16-be")
        if path in files:
            data = files[path]
            if packed:
                data = struct.pack(">I", len(data)) + zlib.compress(data)
            row += struct.pack(">HHHI", int(packed), 0, 1, len(contents))
            contents += struct.pack(">I", len(data)) + data
        else:
            row += struct.pack(">HII", 2, len(levels[path]), order.index(levels[path][0]))
        tree.append(row + bytes(0 if version == 1 else 8))
    body = contents + names
    return (
        struct.pack(">4sIIII", b"qres", version, 20 + len(body), 20, 20 + len(contents))
        + body
        + b"".join(tree)
    )
