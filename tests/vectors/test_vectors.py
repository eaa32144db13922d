"""Golden bytes: what is signed is signed for ever, and a verifier that shares no code with us agrees."""

import copy
import json

import pytest

from tests.vectors.make import FILE, make
from tests.vectors.verify_alone import Bad, verify

VECTORS = json.loads(FILE.read_text(encoding="utf-8"))


def test_this_release_makes_the_same_bytes():
    assert make() == VECTORS


def test_an_independent_verifier_accepts_them():
    assert verify(VECTORS) == 9


@pytest.mark.parametrize("field", ["header", "signature", "salt", "payload"])
@pytest.mark.parametrize("index", range(len(VECTORS["records"])))
def test_a_flipped_bit_anywhere_is_noticed(index, field):
    spoiled = copy.deepcopy(VECTORS)
    record = spoiled["records"][index]
    raw = bytearray.fromhex(record[field])
    raw[len(raw) // 2] ^= 1
    record[field] = raw.hex()
    with pytest.raises((Bad, UnicodeDecodeError, ValueError)):
        verify(spoiled)


def test_names_are_measured_in_bytes_not_characters():
    payloads = [bytes.fromhex(record["payload"]) for record in VECTORS["records"]]
    assert any("张三丰".encode() in payload for payload in payloads)
    assert any("𠮷".encode() in payload for payload in payloads)
