"""The user's signing key, and the authorities that are trusted here.

``signing/`` in the config folder holds ``key.pem`` (ES256, mode 600), ``chain.pem``, ``ca.pem``, and in
``trusted/`` whatever other authorities the user puts there. Made on first use; the authority's own key is
thrown away, so that nothing else can ever be signed with it.
"""

from __future__ import annotations

import os
import tempfile
from contextlib import suppress
from pathlib import Path

from genai_core.errors import ResourceError
from genai_core.files.atomic import TEMPORARY, atomic_write, make_folder, writing

_YEARS = 20
_USAGES = (
    "digital_signature content_commitment key_encipherment data_encipherment key_agreement "
    "key_cert_sign crl_sign encipher_only decipher_only"
)


def config_folder() -> Path:
    """Where the user's keys are: ``GENAI_CONFIG_HOME``, or ``genai`` in the XDG config folder."""
    if own := os.environ.get("GENAI_CONFIG_HOME"):
        return Path(own)
    return Path(os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config") / "genai"


def anchors() -> str:
    """PEM of the authorities that are trusted here: our own, and those the user put beside it."""
    folder = config_folder() / "signing"
    texts = []
    for path in (folder / "ca.pem", *sorted((folder / "trusted").glob("*.pem"))):
        with suppress(OSError, UnicodeDecodeError):
            texts.append(path.read_text(encoding="ascii"))
    return "".join(texts)


def make_keys(folder: Path) -> Path:
    """The folder of the key, made on first use; of several processes that make one, the first wins."""
    if (folder / "key.pem").exists():
        return folder
    make_folder(folder.parent)
    with writing(folder), tempfile.TemporaryDirectory(prefix=TEMPORARY, dir=folder.parent) as scratch:
        new = Path(scratch) / folder.name
        new.mkdir(mode=0o700)
        for name, content in _new_keys().items():
            atomic_write(new / name, content).chmod(0o600)
        with suppress(OSError):
            new.rename(folder)
    if not (folder / "key.pem").exists():
        raise ResourceError(f"{folder} is in the way of a signing key", hint="move it away")
    return folder


def _new_keys() -> dict[str, bytes]:
    """An authority, and a key it vouches for; the authority's own key is forgotten when this returns."""
    from datetime import UTC, datetime, timedelta

    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.x509.oid import ExtendedKeyUsageOID

    # A day of grace for clocks that run behind.
    start = datetime.now(UTC) - timedelta(days=1)
    above, key = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())

    def certificate(own: ec.EllipticCurvePrivateKey, name: str, *extensions: x509.ExtensionType) -> bytes:
        authority = own is above
        usages = ("key_cert_sign", "crl_sign") if authority else ("digital_signature",)
        builder = (
            x509.CertificateBuilder()
            .issuer_name(x509.Name.from_rfc4514_string("CN=genai local authority,O=genai"))
            .subject_name(x509.Name.from_rfc4514_string(f"CN={name},O=genai"))
            .public_key(own.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(start)
            .not_valid_after(start + timedelta(days=365 * _YEARS))
            .add_extension(x509.BasicConstraints(authority, 0 if authority else None), critical=True)
            .add_extension(x509.KeyUsage(**{u: u in usages for u in _USAGES.split()}), critical=True)
        )
        for extension in extensions:
            builder = builder.add_extension(extension, critical=False)
        return builder.sign(above, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)

    authority = certificate(
        above, "genai local authority", x509.SubjectKeyIdentifier.from_public_key(above.public_key())
    )
    leaf = certificate(
        key,
        "genai local signer",
        x509.ExtendedKeyUsage([ExtendedKeyUsageOID.EMAIL_PROTECTION]),
        x509.AuthorityKeyIdentifier.from_issuer_public_key(above.public_key()),
    )
    secret = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return {"ca.pem": authority, "chain.pem": leaf + authority, "key.pem": secret}
