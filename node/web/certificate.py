"""The console's certificate beyond the loopback: the office's own, or one made at the first start.

A made one is signed by nobody: browsers ask once, and the person compares the fingerprint that `status` says.
"""

from __future__ import annotations

import ipaddress
import ssl
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from node.clock import DAY_MS
from node.errors import InputError, why
from node.wire.keyfiles import write_key_file

MADE_FILE = "console.pem"  # in HOME/keys: the key and its certificate
_LIFE_MS = 800 * DAY_MS  # browsers refuse leaves that live longer than 825 days
_EARLY_MS = DAY_MS  # for clocks that are behind
_RENEW_MS = 60 * DAY_MS


class Pair(NamedTuple):
    """Where certificate and key are, the certificate's SHA-256 and end. ``own``: configured, signed by somebody."""

    certificate: Path
    key: Path
    fingerprint: str
    expires_ms: int
    own: bool


def configured(certificate: Path, key: Path) -> Pair:
    """The office's own certificate; InputError where it cannot be used."""
    try:
        leaf = x509.load_pem_x509_certificate(certificate.read_bytes())
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(certificate, key)
    except (OSError, ValueError) as error:
        text = why(error) if isinstance(error, OSError) and error.errno else "不是 PEM 证书，或私钥与证书不配对"
        remedy = "核对配置项 console_certificate 和 console_key"
        raise InputError(f"控制台的证书不能用（{text}）", field="配置项 console_certificate", remedy=remedy) from error
    return Pair(certificate, key, leaf.fingerprint(hashes.SHA256()).hex(), _end_ms(leaf), own=True)


def made(folder: Path, hosts: Iterable[str], office: str, now_ms: int) -> Pair:
    """The certificate in the node's key folder, made anew where there is none, it ends soon, or a name is missing."""
    path, names = folder / MADE_FILE, sorted(hosts)
    found = _read(path)
    if found is None or _end_ms(found) - now_ms < _RENEW_MS or _names(found) != names:
        key = ec.generate_private_key(ec.SECP256R1())
        found = _make(key, names, office, now_ms)
        raw = key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        write_key_file(path, raw + found.public_bytes(serialization.Encoding.PEM))
    return Pair(path, path, found.fingerprint(hashes.SHA256()).hex(), _end_ms(found), own=False)


def _read(path: Path) -> x509.Certificate | None:
    try:
        return x509.load_pem_x509_certificate(path.read_bytes())
    except (FileNotFoundError, ValueError):
        return None


def _end_ms(certificate: x509.Certificate) -> int:
    return int(certificate.not_valid_after_utc.timestamp() * 1000)


def _names(certificate: x509.Certificate) -> list[str]:
    found = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    return sorted(str(name.value) for name in found)


def _make(key: ec.EllipticCurvePrivateKey, names: list[str], office: str, now_ms: int) -> x509.Certificate:
    called = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, f"dulian-console-{office}")])
    return (
        x509.CertificateBuilder().issuer_name(called).subject_name(called).public_key(key.public_key())
        .serial_number(x509.random_serial_number()).not_valid_before(_at(now_ms - _EARLY_MS))
        .not_valid_after(_at(now_ms + _LIFE_MS))
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(x509.SubjectAlternativeName([_general(name) for name in names]), critical=False)
        .sign(key, hashes.SHA256())
    )  # fmt: skip


def _general(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name)


def _at(ms: int) -> datetime:
    return datetime.fromtimestamp(ms // 1000, UTC)
