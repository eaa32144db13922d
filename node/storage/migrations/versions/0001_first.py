"""The first schema."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
TEXT = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def big(name: str) -> sa.Column[int]:
    return sa.Column(name, BIG, nullable=False, autoincrement=False)


def text(name: str) -> sa.Column[str]:
    return sa.Column(name, TEXT, nullable=False)


def raw(name: str, *, nullable: bool = False) -> sa.Column[bytes]:
    return sa.Column(name, sa.LargeBinary(), nullable=nullable)


def flag(name: str) -> sa.Column[bool]:
    return sa.Column(name, sa.Boolean(), nullable=False)


def create_log() -> None:
    op.create_table(
        "schema_compat",
        big("only_row"),
        big("compat"),
        sa.PrimaryKeyConstraint("only_row"),
    )
    op.create_table(
        "log",
        big("log_no"),
        raw("log_id"),
        text("author"),
        big("epoch"),
        text("path"),
        flag("subtree"),
        big("head_seq"),
        raw("head_id"),
        big("folded_seq"),
        big("checked_seq"),
        flag("frozen"),
        sa.PrimaryKeyConstraint("log_no"),
    )
    op.create_index("log_by_id", "log", ["log_id"], unique=True)
    op.create_table(
        "dirty_log",
        big("log_no"),
        sa.PrimaryKeyConstraint("log_no"),
    )
    op.create_table(
        "record",
        big("place"),
        raw("record_id"),
        raw("header"),
        raw("signature"),
        raw("salt", nullable=True),
        raw("payload", nullable=True),
        big("received_ms"),
        sa.PrimaryKeyConstraint("place"),
    )


def create_board() -> None:
    op.create_table(
        "item",
        big("item_no"),
        raw("item_id"),
        sa.PrimaryKeyConstraint("item_no"),
    )
    op.create_index("item_by_id", "item", ["item_id"], unique=True)
    op.create_table(
        "item_place",
        big("item_no"),
        big("place"),
        sa.PrimaryKeyConstraint("item_no", "place"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "board",
        big("item_no"),
        raw("item_id"),
        raw("parent"),
        text("number"),
        text("title"),
        text("kind"),
        text("issuer"),
        text("receiver"),
        text("role"),
        text("path"),
        flag("subtree"),
        text("state"),
        big("due_day"),
        big("percent"),
        raw("digest"),
        big("opened_log_no"),
        big("opened_seq"),
        big("updated_ms"),
        sa.PrimaryKeyConstraint("item_no"),
    )
    op.create_index("board_number", "board", ["number"])
    op.create_index("board_parent", "board", ["parent"])
    op.create_index("board_receiver", "board", ["receiver", "state"])
    op.create_table(
        "blob",
        raw("hash"),
        raw("salt"),
        big("size_bytes"),
        flag("present"),
        sa.PrimaryKeyConstraint("hash"),
    )
    op.create_table(
        "blob_ref",
        raw("hash"),
        big("log_no"),
        big("seq"),
        sa.PrimaryKeyConstraint("hash", "log_no", "seq"),
        sqlite_with_rowid=False,
    )


def create_peers() -> None:
    op.create_table(
        "ack",
        text("peer"),
        big("log_no"),
        big("seq"),
        big("receipt_no"),
        sa.PrimaryKeyConstraint("peer", "log_no"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "actor",
        big("number"),
        text("name"),
        sa.PrimaryKeyConstraint("number"),
    )
    op.create_table(
        "alarm",
        text("code"),
        text("subject"),
        text("text"),
        big("since_ms"),
        sa.PrimaryKeyConstraint("code", "subject"),
    )
    op.create_table(
        "evidence",
        big("evidence_no"),
        text("peer"),
        big("at_ms"),
        text("code"),
        text("text"),
        raw("data"),
        sa.PrimaryKeyConstraint("evidence_no"),
    )
    op.create_table(
        "fork",
        big("log_no"),
        big("seq"),
        raw("record_id"),
        raw("header"),
        raw("signature"),
        raw("salt"),
        raw("payload"),
        big("received_ms"),
        sa.PrimaryKeyConstraint("log_no", "seq", "record_id"),
    )
    op.create_table(
        "invite",
        big("invite_no"),
        text("code"),
        text("name"),
        raw("public_key"),
        raw("certificate"),
        big("expires_ms"),
        flag("auto_approve"),
        big("used_ms"),
        sa.PrimaryKeyConstraint("invite_no"),
    )
    op.create_table(
        "mark",
        text("office"),
        big("number"),
        big("at_ms"),
        raw("body"),
        raw("signature"),
        big("satisfied_ms"),
        sa.PrimaryKeyConstraint("office"),
    )
    op.create_table(
        "meta",
        text("name"),
        raw("value"),
        sa.PrimaryKeyConstraint("name"),
    )
    op.create_table(
        "peer",
        text("office"),
        text("role"),
        text("address"),
        raw("link_ca"),
        big("admitted_ms"),
        big("last_contact_ms"),
        text("quarantined"),
        big("reconciled_ms"),
        sa.PrimaryKeyConstraint("office"),
    )
    op.create_table(
        "pending",
        text("code"),
        raw("request"),
        raw("fingerprint"),
        text("state"),
        big("at_ms"),
        raw("tls_certificate"),
        sa.PrimaryKeyConstraint("code"),
    )
    op.create_table(
        "receipt",
        big("receipt_no"),
        text("peer"),
        big("at_ms"),
        raw("body"),
        raw("signature"),
        sa.PrimaryKeyConstraint("receipt_no"),
    )
    op.create_table(
        "tls_cert",
        text("office"),
        raw("sha256"),
        big("expires_ms"),
        big("used_ms"),
        sa.PrimaryKeyConstraint("office", "sha256"),
    )


def upgrade() -> None:
    create_log()
    create_board()
    create_peers()
    op.execute("INSERT INTO schema_compat (only_row, compat) VALUES (1, 1)")
