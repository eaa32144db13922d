"""Certificates of the channel: link CAs, TLS certificates, and the certificate that an invitation stands for.

Rules of this file:

1. TLS protects the channel and nothing else; who speaks is proved by record keys over the two TLS certificates
   (architecture.md section 5). So these keys are ECDSA P-256, whatever suite signs the records: what gRPC's TLS
   library takes.
2. A link CA signs only leaves (path length 0). A child's certificate is good for clients only, so no child can pass for
   its parent towards a sibling; only the CA's own office gets one for servers.
3. Foreign certificates and keys are accepted or refused with PeerError(bad_certificate | bad_key), nothing else.
4. Times are milliseconds since 1970 UTC; a certificate itself knows seconds, rounded down.
"""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from cryptography.utils import CryptographyDeprecationWarning
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from node.clock import DAY_MS
from node.errors import PeerError

CA_LIFETIME_MS = 3_653 * DAY_MS  # 10 years: longer than a machine, shorter than a career
CERTIFICATE_BYTES_MAX = 8_192  # ours have about 500
CLOCK_SKEW_MS = 3_600_000  # valid so long before its issue, for clocks that are behind
_ENROLMENT_DAYS = 400  # a leaf under an invitation starts so long before its end: the child's clock plays no part
_ENROLMENT_INFO = b"dulian-enrolment-key-1\0"
_DOMAIN = ".dulian"
_UNREADABLE = (
    ValueError,
    TypeError,
    UnsupportedAlgorithm,
    x509.InvalidVersion,
    x509.DuplicateExtension,
    x509.UnsupportedGeneralNameType,
    CryptographyDeprecationWarning,  # only where warnings are errors
)


def tls_name(office: str) -> str:
    """The name in an office's TLS certificate; it is never looked up anywhere."""
    return office + _DOMAIN


# -- keys -------------------------------------------------------------------------------------------------------------


def new_tls_key() -> bytes:
    """A fresh P-256 private key, PEM."""
    return _key_pem(ec.generate_private_key(ec.SECP256R1()))


def public_key_der(key_pem: bytes) -> bytes:
    """SubjectPublicKeyInfo (DER) of a private key of ours (PEM)."""
    return _spki(_own_key(key_pem).public_key())


def enrolment_key(secret: bytes) -> bytes:
    """The P-256 private key (PEM) that an invitation's 32-byte secret stands for: both sides derive the same one."""
    wide = HKDF(hashes.SHA256(), length=48, salt=None, info=_ENROLMENT_INFO).derive(secret)
    # 48 bytes against an order of 32: the bias of the remainder is beyond measure. Order of P-256: FIPS 186-4, D.1.2.3.
    order = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
    return _key_pem(ec.derive_private_key(int.from_bytes(wide, "big") % (order - 1) + 1, ec.SECP256R1()))


# -- certificates we make ---------------------------------------------------------------------------------------------


def new_link_ca(office: str, now_ms: int) -> tuple[bytes, bytes]:
    """A link CA for an office: (private key PEM, certificate DER), good for 10 years."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = _ca_name(office)
    return _key_pem(key), _sign(_ca(name, key, now_ms - CLOCK_SKEW_MS, now_ms + CA_LIFETIME_MS), key)


def issue_tls(
    ca_key_pem: bytes, ca_der: bytes, office: str, public_key: bytes, lifetime_ms: int, now_ms: int, *, server: bool
) -> bytes:
    """A TLS certificate (DER) for the holder of ``public_key`` (SubjectPublicKeyInfo DER), signed by a link CA.

    ``server`` only for the CA's own office. It starts a little in the past (an hour, less for short lives) and never
    outlives the CA. PeerError(bad_key) for a key that is not P-256.
    """
    ca = _load(ca_der)
    start_ms = now_ms - min(CLOCK_SKEW_MS, lifetime_ms // 8)
    end_ms = min(now_ms + lifetime_ms, expires_ms(ca_der))
    usages = [ExtendedKeyUsageOID.CLIENT_AUTH]
    if server:
        usages.insert(0, ExtendedKeyUsageOID.SERVER_AUTH)
    return _leaf(ca.subject, _own_key(ca_key_pem), office, _foreign_key(public_key), start_ms, end_ms, usages)


def enrolment_certificate(key_pem: bytes, code: str, expires_ms: int, now_ms: int) -> bytes:
    """What the parent keeps of an invitation: a self-signed client root (DER) that ends when the invitation ends."""
    key = _own_key(key_pem)
    return _sign(_ca(_invite_name(code), key, now_ms - CLOCK_SKEW_MS, expires_ms), key)


def enrolment_leaf(key_pem: bytes, code: str, public_key: bytes, expires_ms: int) -> bytes:
    """What the invited child shows while joining: a client certificate (DER) for its new TLS key."""
    start_ms = expires_ms - _ENROLMENT_DAYS * DAY_MS
    usages = [ExtendedKeyUsageOID.CLIENT_AUTH]
    return _leaf(_invite_name(code), _own_key(key_pem), code, _foreign_key(public_key), start_ms, expires_ms, usages)


# -- certificates we read ---------------------------------------------------------------------------------------------


def tls_sha256(certificate_der: bytes) -> bytes:
    """SHA-256 of a certificate: what channel proofs name."""
    return hashlib.sha256(certificate_der).digest()


def expires_ms(certificate_der: bytes) -> int:
    """The end of a certificate's life."""
    return _ms(_load(certificate_der).not_valid_after_utc)


def begins_ms(certificate_der: bytes) -> int:
    """The beginning of a certificate's life, which may lie a little before it was issued."""
    return _ms(_load(certificate_der).not_valid_before_utc)


def needs_renewal(certificate_der: bytes, now_ms: int) -> bool:
    """Whether two thirds of its life are over."""
    certificate = _load(certificate_der)
    start_ms, end_ms = _ms(certificate.not_valid_before_utc), _ms(certificate.not_valid_after_utc)
    return now_ms >= end_ms - (end_ms - start_ms) // 3


def is_valid_at(certificate_der: bytes, now_ms: int) -> bool:
    """Whether the instant lies within its life."""
    certificate = _load(certificate_der)
    return _ms(certificate.not_valid_before_utc) <= now_ms < _ms(certificate.not_valid_after_utc)


def public_key_of(certificate_der: bytes) -> bytes:
    """SubjectPublicKeyInfo (DER) in a certificate."""
    return _spki(_p256(_load(certificate_der)))


def office_of(certificate_der: bytes) -> str:
    """The office code a TLS certificate names; PeerError(bad_certificate) if it names none, or several."""
    try:
        names = _load(certificate_der).extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except (*_UNREADABLE, x509.ExtensionNotFound) as error:
        raise _bad("no subject alternative name", certificate_der) from error
    found = names.get_values_for_type(x509.DNSName)
    if len(found) != 1 or len(names) != 1 or not found[0].endswith(_DOMAIN):
        raise _bad("not exactly one name of an office", certificate_der)
    return found[0].removesuffix(_DOMAIN)


def is_issued_by(certificate_der: bytes, ca_der: bytes) -> bool:
    """Whether this CA's key signed this certificate."""
    certificate, ca = _load(certificate_der), _load(ca_der)
    try:
        certificate.verify_directly_issued_by(ca)
    except (InvalidSignature, *_UNREADABLE):
        return False
    return True


def check_link_ca(ca_der: bytes, office: str, now_ms: int) -> None:
    """Check that foreign bytes are a living link CA of this office; PeerError(bad_certificate | bad_key)."""
    ca = _load(ca_der)
    _p256(ca)
    if ca.subject != _ca_name(office) or not is_issued_by(ca_der, ca_der):
        raise _bad("not a link CA of this office", ca_der)
    try:
        basic = ca.extensions.get_extension_for_class(x509.BasicConstraints).value
    except (*_UNREADABLE, x509.ExtensionNotFound) as error:
        raise _bad("no basic constraints", ca_der) from error
    if not basic.ca or basic.path_length != 0 or not is_valid_at(ca_der, now_ms):
        raise _bad("not a CA for leaves only, or not valid now", ca_der)


def to_pem(certificate_der: bytes) -> bytes:
    """The form gRPC takes."""
    return _load(certificate_der).public_bytes(serialization.Encoding.PEM)


def from_pem(certificate_pem: bytes) -> bytes:
    """The form gRPC gives (a peer's certificate), as DER; PeerError(bad_certificate)."""
    try:
        return x509.load_pem_x509_certificate(certificate_pem).public_bytes(serialization.Encoding.DER)
    except _UNREADABLE as error:
        raise _bad("unreadable", certificate_pem) from error


# -- inside -----------------------------------------------------------------------------------------------------------


def _ca(name: x509.Name, key: ec.EllipticCurvePrivateKey, start_ms: int, end_ms: int) -> x509.CertificateBuilder:
    usage = x509.KeyUsage(
        digital_signature=False, content_commitment=False, key_encipherment=False, data_encipherment=False,
        key_agreement=False, key_cert_sign=True, crl_sign=True, encipher_only=False, decipher_only=False,
    )  # fmt: skip
    return (
        _builder(name, name, key.public_key(), start_ms, end_ms)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(usage, critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
    )


def _leaf(
    issuer: x509.Name,
    issuer_key: ec.EllipticCurvePrivateKey,
    office: str,
    key: ec.EllipticCurvePublicKey,
    start_ms: int,
    end_ms: int,
    usages: list[x509.ObjectIdentifier],
) -> bytes:
    usage = x509.KeyUsage(
        digital_signature=True, content_commitment=False, key_encipherment=False, data_encipherment=False,
        key_agreement=False, key_cert_sign=False, crl_sign=False, encipher_only=False, decipher_only=False,
    )  # fmt: skip
    # Several invitations of one office have the same name: the key identifiers tell them apart.
    issuer_id = x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer_key.public_key())
    builder = (
        _builder(issuer, _name(tls_name(office)), key, start_ms, end_ms)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(usage, critical=True)
        .add_extension(x509.ExtendedKeyUsage(usages), critical=True)
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(tls_name(office))]), critical=False)
        .add_extension(issuer_id, critical=False)
    )
    return _sign(builder, issuer_key)


def _builder(
    issuer: x509.Name, subject: x509.Name, key: ec.EllipticCurvePublicKey, start_ms: int, end_ms: int
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .issuer_name(issuer)
        .subject_name(subject)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(_at(start_ms))
        .not_valid_after(_at(end_ms))
    )


def _sign(builder: x509.CertificateBuilder, key: ec.EllipticCurvePrivateKey) -> bytes:
    return builder.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.DER)


def _name(common: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common)])


def _ca_name(office: str) -> x509.Name:
    return _name(f"dulian-link-ca-{office}")


def _invite_name(code: str) -> x509.Name:
    return _name(f"dulian-invite-{code}")


def _at(ms: int) -> datetime:
    return datetime.fromtimestamp(ms // 1000, UTC)


def _ms(at: datetime) -> int:
    return int(at.timestamp()) * 1000


def _spki(key: ec.EllipticCurvePublicKey) -> bytes:
    return key.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)


def _key_pem(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


def _own_key(pem: bytes) -> ec.EllipticCurvePrivateKey:
    key = serialization.load_pem_private_key(pem, password=None)
    if not isinstance(key, ec.EllipticCurvePrivateKey):
        raise TypeError("a TLS key of ours is a P-256 key")
    return key


def _foreign_key(der: bytes) -> ec.EllipticCurvePublicKey:
    try:
        key = serialization.load_der_public_key(der) if len(der) <= CERTIFICATE_BYTES_MAX else None
    except _UNREADABLE as error:
        raise _bad_key(der) from error
    if not isinstance(key, ec.EllipticCurvePublicKey) or not isinstance(key.curve, ec.SECP256R1):
        raise _bad_key(der)
    return key


def _p256(certificate: x509.Certificate) -> ec.EllipticCurvePublicKey:
    try:
        key = certificate.public_key()
    except _UNREADABLE as error:
        raise _bad_key(b"") from error
    if not isinstance(key, ec.EllipticCurvePublicKey) or not isinstance(key.curve, ec.SECP256R1):
        raise _bad_key(b"")
    return key


def _load(der: bytes) -> x509.Certificate:
    if len(der) > CERTIFICATE_BYTES_MAX:
        raise _bad(f"{len(der)} bytes", der)
    try:
        found = x509.load_der_x509_certificate(der)
        # The library reads these when they are asked for, and only then finds that they are no names and no times.
        found.subject, found.issuer, found.not_valid_before_utc, found.not_valid_after_utc  # noqa: B018
    except _UNREADABLE as error:
        raise _bad("unreadable", der) from error
    if found.serial_number <= 0:
        raise _bad("serial number is not positive", der)
    return found


def _bad(detail: str, der: bytes) -> PeerError:
    return PeerError("通道证书不可采信", code="bad_certificate", evidence=der[:256], detail=detail)


def _bad_key(der: bytes) -> PeerError:
    return PeerError("通道公钥不符合要求（须为 P-256）", code="bad_key", evidence=der[:256], detail="not a P-256 key")
