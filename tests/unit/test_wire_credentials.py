"""Link CAs, TLS certificates, invitations as keys, tokens and key files."""

import base64
import os
from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.x509.oid import ExtendedKeyUsageOID
from hypothesis import given
from hypothesis import strategies as st

from node.clock import DAY_MS
from node.errors import InputError, PeerError
from node.wire import credentials
from node.wire.invitation import Invitation, decode_token, encode_token
from node.wire.keyfiles import KEY_FILE_BYTES_MAX, read_key_file, write_key_file

NOW = 1_790_000_000_000
CA_KEY, CA = credentials.new_link_ca("320000", NOW)
DER, SPKI = serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo


def issue(office="320500", lifetime_ms=90 * DAY_MS, *, server=False, now_ms=NOW):
    key = credentials.public_key_der(credentials.new_tls_key())
    return credentials.issue_tls(CA_KEY, CA, office, key, lifetime_ms, now_ms, server=server)


def usages(der):
    found = x509.load_der_x509_certificate(der).extensions.get_extension_for_class(x509.ExtendedKeyUsage)
    return list(found.value)


def test_a_link_ca_signs_leaves_only_for_ten_years():
    credentials.check_link_ca(CA, "320000", NOW)
    basic = x509.load_der_x509_certificate(CA).extensions.get_extension_for_class(x509.BasicConstraints)
    assert (basic.critical, basic.value.ca, basic.value.path_length) == (True, True, 0)
    assert credentials.expires_ms(CA) - NOW == 3_653 * DAY_MS


def test_a_child_is_a_client_only_and_the_own_office_is_both():
    assert usages(issue()) == [ExtendedKeyUsageOID.CLIENT_AUTH]
    assert usages(issue(server=True)) == [ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH]


def test_a_certificate_names_its_office_and_its_issuer():
    der = issue("320500205-gxj")
    assert credentials.office_of(der) == "320500205-gxj"
    assert credentials.is_issued_by(der, CA)
    assert not credentials.is_issued_by(der, credentials.new_link_ca("320000", NOW)[1])
    assert credentials.from_pem(credentials.to_pem(der)) == der
    assert len(credentials.tls_sha256(der)) == 32


def test_it_is_valid_an_hour_early_and_renewed_after_two_thirds():
    der = issue(lifetime_ms=90 * DAY_MS)
    assert credentials.is_valid_at(der, NOW - 3_600_000)
    assert not credentials.is_valid_at(der, NOW - 3_601_000)
    assert not credentials.is_valid_at(der, NOW + 90 * DAY_MS)
    assert not credentials.needs_renewal(der, NOW + 59 * DAY_MS)
    assert credentials.needs_renewal(der, NOW + 60 * DAY_MS)


def test_short_lives_are_not_over_before_they_begin():
    der = issue(lifetime_ms=8_000)
    assert not credentials.needs_renewal(der, NOW)
    assert credentials.needs_renewal(der, NOW + 6_000)
    assert credentials.is_valid_at(der, NOW + 6_000)


def test_no_certificate_outlives_its_ca():
    assert credentials.expires_ms(issue(lifetime_ms=9_999 * DAY_MS)) == credentials.expires_ms(CA)


def foreign_keys():
    edwards = ed25519.Ed25519PrivateKey.generate().public_key().public_bytes(DER, SPKI)
    longer = ec.generate_private_key(ec.SECP384R1()).public_key().public_bytes(DER, SPKI)
    return [b"", b"x", bytes(9_000), edwards, longer]


@pytest.mark.parametrize("key", foreign_keys(), ids=["empty", "noise", "huge", "ed25519", "p384"])
def test_other_keys_are_refused(key):
    with pytest.raises(PeerError) as caught:
        credentials.issue_tls(CA_KEY, CA, "320500", key, DAY_MS, NOW, server=False)
    assert caught.value.code == "bad_key"


def test_a_link_ca_of_somebody_else_is_refused():
    leaf_as_ca = issue("320500")
    invite = credentials.enrolment_certificate(credentials.new_tls_key(), "320500", NOW + DAY_MS, NOW)
    edwards = ed25519.Ed25519PrivateKey.generate()
    name = x509.Name.from_rfc4514_string("CN=dulian-link-ca-320500")
    start = datetime(2026, 1, 1, tzinfo=UTC)
    foreign = (
        x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(edwards.public_key())
        .serial_number(1).not_valid_before(start).not_valid_after(start + timedelta(days=999))
        .sign(edwards, None).public_bytes(serialization.Encoding.DER)
    )  # fmt: skip
    for der, office in [(CA, "320500"), (leaf_as_ca, "320500"), (invite, "320500"), (foreign, "320500"), (b"", "1")]:
        with pytest.raises(PeerError) as caught:
            credentials.check_link_ca(der, office, NOW)
        assert caught.value.code in {"bad_certificate", "bad_key"}
    with pytest.raises(PeerError):
        credentials.check_link_ca(CA, "320000", NOW + 3_653 * DAY_MS)


@given(st.binary(max_size=64), st.integers(0, len(CA) - 1), st.integers(0, 255))
def test_foreign_certificates_are_accepted_or_refused(noise, where, byte):
    broken = CA[:where] + bytes([byte]) + CA[where + 1 :]
    for der in (noise, broken, CA[:where]):
        for read in (credentials.expires_ms, credentials.office_of, credentials.public_key_of):
            try:
                read(der)
            except PeerError as error:
                if error.code not in {"bad_certificate", "bad_key"}:
                    raise


def test_both_sides_derive_the_same_key_from_an_invitation():
    secret = bytes(range(32))
    ours, theirs = credentials.enrolment_key(secret), credentials.enrolment_key(secret)
    root = credentials.enrolment_certificate(ours, "320500", NOW + DAY_MS, NOW)
    tls_key = credentials.public_key_der(credentials.new_tls_key())
    leaf = credentials.enrolment_leaf(theirs, "320500", tls_key, NOW + DAY_MS)
    assert credentials.is_issued_by(leaf, root)
    assert not credentials.is_issued_by(leaf, CA)
    assert (credentials.office_of(leaf), credentials.public_key_of(leaf)) == ("320500", tls_key)
    assert credentials.expires_ms(leaf) == credentials.expires_ms(root) == NOW + DAY_MS
    assert credentials.is_valid_at(leaf, NOW - 300 * DAY_MS), "the clock of the child plays no part"
    other = credentials.enrolment_key(bytes(32))
    assert not credentials.is_issued_by(credentials.enrolment_leaf(other, "320500", tls_key, NOW + DAY_MS), root)


# -- tokens -----------------------------------------------------------------------------------------------------------

INVITATION = Invitation(
    "320500", "苏州市人民政府", ("320000",), "10.0.0.1:7600", bytes(32), CA, bytes(range(32)), NOW + DAY_MS
)


def test_a_token_is_one_line_and_says_what_was_put_in():
    token = encode_token(INVITATION)
    assert token.startswith("dulian1.")
    assert token.split() == [token]
    assert decode_token(f"  {token[:40]}\n{token[40:]}\r\n", NOW) == INVITATION


@given(st.data())
def test_a_mistyped_token_is_told(data):
    token = encode_token(INVITATION)
    where = data.draw(st.integers(0, len(token) - 1))
    wrong = data.draw(st.characters(codec="utf-8", exclude_characters=token[where]))
    for text in (token[:where] + wrong + token[where + 1 :], token[:where]):
        if text.split() == [token]:
            continue
        try:
            assert decode_token(text, NOW) == INVITATION  # the unused bits of the last character may differ
        except InputError as error:
            if error.code != "bad_token" or len(error.value) > 17:
                raise


@given(st.text(max_size=200), st.binary(max_size=200))
def test_any_text_is_refused_as_a_token(text, raw):
    for token in (text, "dulian1." + text, "dulian1." + base64.urlsafe_b64encode(raw).decode()):
        with pytest.raises(InputError):
            decode_token(token, NOW)


def test_an_expired_token_says_since_when():
    with pytest.raises(InputError) as caught:
        decode_token(encode_token(INVITATION), INVITATION.expires_ms)
    assert "过期" in caught.value.text
    assert "+08:00" in caught.value.text


@pytest.mark.parametrize(
    "change",
    [{"code": ""}, {"parent_path": ()}, {"secret": b"short"}, {"federation": b""}, {"address": ""}, {"link_ca": b""},
     {"name": "名" * 201}, {"expires_ms": 2**63}],
)  # fmt: skip
def test_an_incomplete_token_is_refused(change):
    with pytest.raises(InputError) as caught:
        decode_token(encode_token(INVITATION._replace(**change)), NOW)
    assert "不完整" in caught.value.text


# -- key files --------------------------------------------------------------------------------------------------------


def test_a_key_file_is_private_and_replaced_whole(tmp_path):
    path = tmp_path / "tls.key"
    mask = os.umask(0)
    try:
        write_key_file(path, b"first")
        write_key_file(path, b"second")
    finally:
        os.umask(mask)
    assert read_key_file(path) == b"second"
    assert path.stat().st_mode & 0o7777 == 0o600
    assert [entry.name for entry in tmp_path.iterdir()] == ["tls.key"]


@pytest.mark.parametrize("mode", [0o644, 0o640, 0o400, 0o700, 0o4600])
def test_a_key_file_that_others_could_read_is_refused(tmp_path, mode):
    path = tmp_path / "密钥.pem"
    write_key_file(path, b"secret")
    path.chmod(mode)
    with pytest.raises(InputError) as caught:
        read_key_file(path)
    assert caught.value.code == "key_mode"
    assert caught.value.remedy == f"chmod 600 '{path}'"
    assert "secret" not in str(caught.value)


def test_links_folders_missing_and_huge_files_are_refused(tmp_path):
    write_key_file(tmp_path / "real", b"secret")
    (tmp_path / "link").symlink_to(tmp_path / "real")
    write_key_file(tmp_path / "huge", bytes(KEY_FILE_BYTES_MAX + 1))
    os.mkfifo(tmp_path / "pipe", 0o600)
    for name in ("link", "missing", "huge", "pipe", "."):
        with pytest.raises(InputError):
            read_key_file(tmp_path / name)


def test_a_failed_write_leaves_the_former_file_and_no_draft(tmp_path):
    path = tmp_path / "folder"
    path.mkdir()
    with pytest.raises(OSError):
        write_key_file(path, b"content")
    assert [entry.name for entry in tmp_path.iterdir()] == ["folder"]
