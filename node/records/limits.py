"""Bounds of the record format, each with its unit and where the number comes from.

They are part of the format: raising one later is compatible, lowering one is not.
"""

from __future__ import annotations

HASH_BYTES = 32
SALT_BYTES = 32
CODE_CHARS_MAX = 26  # 9 digits, a dash, 16 letters
PATH_CODES_MAX = 12  # the deepest real chain is 6 (nation … township, unit); room for reform
RE_IDS_MAX = 64
HEADER_BYTES_MAX = 8_192  # 64 answers (2 KiB) + 12 codes + room for unknown fields
SIGNATURE_BYTES_MAX = 8_192  # Ed25519 has 64, SM2 has 64; room for ML-DSA (4,627)
RAW_KEY_BYTES_MAX = 4_096
PAYLOAD_BYTES_MAX = 262_144  # a report is text; files travel as attachments
RECORD_BYTES_MAX = HEADER_BYTES_MAX + SIGNATURE_BYTES_MAX + SALT_BYTES + PAYLOAD_BYTES_MAX
SEQ_MAX = 2**32 - 1  # a log of 4 billion records: the storage key is (log, seq) in 64 bits
EPOCH_MAX = 2**63 - 1  # signed 64-bit columns
EPOCH_STEP_MAX = 2**32  # random positive step between epochs
TIME_MS_MAX = 2**48  # year 10889
SEMANTIC_VERSION_MAX = 65_535
KIND_MAX = 65_535
ACTOR_MAX = 2**53 - 1
HLC_COUNT_MAX = 2**31 - 1

TITLE_CHARS_MAX = 200
TEXT_CHARS_MAX = 20_000
NAME_CHARS_MAX = 200
POINT_CHARS_MAX = 1_000
POINTS_MAX = 100
ATTACHMENTS_MAX = 50
CHILDREN_MAX = 500
ATTACHMENT_BYTES_MAX = 2 * 1024**3  # 2 GiB; offices set a lower limit in their configuration
NOTE_BYTES_MAX = 131_072  # a signed note: receipt, mark, channel proof
MARK_BYTES_MAX = 2_048  # 12 superiors' digests take half of it; a thousand marks must fit into a frame
RECEIPT_HEADS_MAX = 1_000
