"""The user's signing key, and the authorities that are trusted here.

``signing/`` in the config folder holds ``key.pem`` (ES256, mode 600), ``chain.pem``, ``ca.pem``, and in
``trusted/`` whatever other authorities the user puts there. Made on first use; the authority's own key is
thrown away, so that nothing else can ever be signed with it.
"""

from __future__ import annotations

import os
import shutil
from contextlib import suppress
from pathlib import Path

from genai_core.errors import ResourceError
from genai_core.files.atomic import explain_os_error

_YEARS = 20


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
    temporary = folder.with_name(f".tmp-{os.getpid()}-{os.urandom(4).hex()}")
    try:
        temporary.mkdir(parents=True, mode=0o700)
        for name, content in _new_keys().items():
            descriptor = os.open(temporary / name, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(descriptor, "wb") as file:
                file.write(content)
                file.flush()
                os.fsync(descriptor)
        with suppress(OSError):
            temporary.rename(folder)
        if not (folder / "key.pem").exists():
            raise ResourceError(f"{folder} is in the way of a signing key", hint="move it away")
    except OSError as error:
        raise explain_os_error(error, folder) from None
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
    return folder


def _new_keys() -> dict[str, bytes]:
    """An authority, and a key it vouches for; the authority's own key is forgotten when this returns."""
    from datetime import UTC, datetime, timedelta

    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

    # A day of grace for clocks that run behind.
    start = datetime.now(UTC) - timedelta(days=1)
    above, key = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())

    def name(text: str) -> x509.Name:
        names = [(NameOID.ORGANIZATION_NAME, "genai"), (NameOID.COMMON_NAME, text)]
        return x509.Name([x509.NameAttribute(oid, value) for oid, value in names])

    def certificate(own: ec.EllipticCurvePrivateKey, text: str, *extensions: x509.ExtensionType) -> bytes:
        usages = "key_cert_sign crl_sign" if own is above else "digital_signature"
        fields = (
            "digital_signature content_commitment key_encipherment data_encipherment key_agreement "
            "key_cert_sign crl_sign encipher_only decipher_only"
        )
        builder = (
            x509.CertificateBuilder(name("genai local authority"), name(text), own.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(start)
            .not_valid_after(start + timedelta(days=365 * _YEARS))
            .add_extension(x509.BasicConstraints(own is above, 0 if own is above else None), critical=True)
            .add_extension(x509.KeyUsage(**{f: f in usages.split() for f in fields.split()}), critical=True)
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
