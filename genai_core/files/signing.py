"""Layer 2 of provenance: signed content credentials (C2PA), with the extra ``genai-core[provenance]``.

Pictures, sound and film are signed in place; for anything else one ``credentials.zip`` a run holds the
records, signed. Everything works offline, and only what an authority of `keys` vouches for counts as trusted:
anybody can make a signature that is merely valid. Signatures are not reproducible; the record holds the hash
from before.

All use of c2pa is in this file.
"""

from __future__ import annotations

import gzip
import io
import json
import os
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from importlib.util import find_spec
from itertools import chain, pairwise
from pathlib import Path
from typing import Any, BinaryIO, Literal

from genai_core.errors import BadInput, ResourceError
from genai_core.files.atomic import sha256_bytes
from genai_core.files.keys import anchors, config_folder, make_keys

CREDENTIALS = "credentials.zip"
# The formats that are signed in place, by their suffix.
MEDIA = frozenset({".png", ".jpg", ".jpeg", ".webp", ".tif", ".tiff", ".wav", ".flac", ".mp3", ".mp4"})
_LIST = "records.json.gz"
_LABEL = "org.genai.record"
_MARK = _LABEL.encode()
_BLOCK = 1 << 20


@dataclass(frozen=True, slots=True)
class Credential:
    """What the signature of a file is worth.

    Attributes:
        state: ``"trusted"``: ours, and text and content are as signed (C2PA does not cover the padding of
            its own manifest; the hash in the record beside the file does); ``"stranger"``: intact, but
            nobody trusted here made it; ``"broken"``: the file or its signature was changed; ``"none"``:
            no signature of ours; ``"unchecked"``: there seems to be one, but the extra is not installed.
        text: The signed text of a file that is trusted.
        reason: Why it is not trusted.
    """

    state: Literal["trusted", "stranger", "broken", "none", "unchecked"]
    text: str | None = None
    reason: str = ""


def installed() -> bool:
    """Whether the extra ``genai-core[provenance]`` is there."""
    return find_spec("c2pa") is not None and find_spec("cryptography") is not None


def active() -> bool:
    """Whether what is written is signed: the extra is installed, and ``GENAI_SIGN=0`` is not set."""
    return os.environ.get("GENAI_SIGN") != "0" and installed()


@contextmanager
def paused() -> Iterator[None]:
    """Nothing is signed inside, in this process and those it starts."""
    before = os.environ.get("GENAI_SIGN")
    os.environ["GENAI_SIGN"] = "0"
    try:
        yield
    finally:
        del os.environ["GENAI_SIGN"]
        if before is not None:
            os.environ["GENAI_SIGN"] = before


def sign_bytes(data: bytes, suffix: str, text: str, source_type: str) -> bytes:
    """`data` with a signed manifest inside; thumbnails off, about 4 KB more. For where signing is `active`.

    Args:
        data: A whole file.
        suffix: One of `MEDIA`, or ``".zip"``.
        text: What the signature vouches for.
        source_type: IPTC digitalSourceType URI.

    Raises:
        ResourceError: No key can be made or read.
        BadInput: `data` is not of this format.
    """
    import c2pa

    action = {"action": "c2pa.created", "digitalSourceType": source_type}
    manifest = {
        "claim_generator_info": [{"name": "genai"}],
        "assertions": [
            {"label": "c2pa.actions", "data": {"actions": [action]}},
            {"label": _LABEL, "data": {"text": text}},
        ],
    }
    folder = make_keys(config_folder() / "signing")
    out = io.BytesIO()
    try:
        with c2pa.Builder(manifest, _context("")) as builder:
            builder.sign(_signer(folder), suffix[1:], io.BytesIO(data), out)
    except c2pa.C2paError as error:
        raise BadInput(suffix, f"cannot be signed: {_one_line(error)}") from None
    return out.getvalue()


def check(file: BinaryIO, suffix: str) -> Credential:
    """What the signature inside an open file is worth. Never raises for what the file holds."""
    if suffix not in MEDIA and suffix != ".zip":
        return Credential("none")
    if not installed():
        hint = "pip install 'genai-core[provenance]'"
        return Credential("unchecked", reason=hint) if _marked(file) else Credential("none")
    import c2pa

    try:
        with c2pa.Reader(suffix[1:], file, context=_context(anchors())) as reader:
            report = json.loads(reader.json())
    except c2pa.C2paError as error:
        # A picture that is merely damaged was never signed; one with the marks of a manifest was.
        return Credential("broken", reason=_one_line(error)) if _marked(file) else Credential("none")
    manifest = report["manifests"].get(report.get("active_manifest"), {})
    texts = [a["data"].get("text") for a in manifest.get("assertions", ()) if a.get("label") == _LABEL]
    state = report.get("validation_state")
    if state not in ("Trusted", "Valid"):
        failures = report.get("validation_results", {}).get("activeManifest", {}).get("failure", ())
        return Credential("broken", reason=", ".join(str(f.get("code")) for f in failures) or "invalid")
    if len(texts) != 1 or not isinstance(texts[0], str):
        return Credential("none")
    if state == "Valid":
        return Credential("stranger", reason="signed with a key that is not trusted here")
    return Credential("trusted", texts[0])


def seal_records(records: Mapping[str, Mapping[str, Any]]) -> bytes:
    """A signed ``credentials.zip``: the records of a run, at least one, by file name."""
    source_type = next(iter(records.values()))["digital_source_type"]
    content = gzip.compress(json.dumps(records, sort_keys=True).encode(), mtime=0)
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        # c2pa reads stored members only; a fixed date keeps the unsigned bytes the same.
        archive.writestr(zipfile.ZipInfo(_LIST), content)
    text = json.dumps({_LIST: sha256_bytes(content)})
    return sign_bytes(buffer.getvalue(), ".zip", text, source_type)


def read_records(path: Path) -> tuple[Credential, Mapping[str, Any]]:
    """What a ``credentials.zip`` is worth and, only when it is trusted, records by file name."""
    with path.open("rb") as file:
        credential = check(file, ".zip")
    if credential.state != "trusted":
        return credential, {}
    try:
        with zipfile.ZipFile(path) as archive:
            content = archive.read(_LIST)
        if json.loads(credential.text or "") != {_LIST: sha256_bytes(content)}:
            raise ValueError("its list is not the signed one")
        return Credential("trusted"), json.loads(gzip.decompress(content))
    except (ValueError, KeyError, OSError, EOFError, zipfile.BadZipFile) as error:
        return Credential("broken", reason=_one_line(error)), {}


def _marked(file: BinaryIO) -> bool:
    """Whether the bytes of a manifest are in `file`, whatever state it is in."""
    file.seek(0)
    blocks = chain([b""], iter(lambda: file.read(_BLOCK), b""))
    return any(_MARK in before + block for before, block in pairwise(blocks))


@cache
def _context(anchors: str) -> Any:
    """Settings for signing (no anchors) or checking: nothing is fetched, no thumbnails are made."""
    import c2pa

    return c2pa.Context.from_dict(
        {
            "builder": {"thumbnail": {"enabled": False}},
            "verify": {"verify_trust": True, "remote_manifest_fetch": False, "ocsp_fetch": False},
            **({"trust": {"trust_anchors": anchors}} if anchors else {}),
        }
    )


@cache
def _signer(folder: Path) -> Any:
    import c2pa

    try:
        chain, key = (folder / "chain.pem").read_bytes(), (folder / "key.pem").read_bytes()
        return c2pa.Signer.from_info(c2pa.C2paSignerInfo(c2pa.C2paSigningAlg.ES256, chain, key, None))
    except (OSError, c2pa.C2paError) as error:
        raise ResourceError(
            f"{folder}: the signing key cannot be used: {_one_line(error)}",
            hint="move the folder away; the next signature makes a new key",
        ) from None


def _one_line(error: object) -> str:
    return " ".join(str(error).split())[:200]
