"""The board says which task continues a re-assigned one. The projection is emptied and folded anew from the records."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
TEXT = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def big(name: str) -> sa.Column[int]:
    return sa.Column(name, BIG, nullable=False, autoincrement=False)


def text(name: str) -> sa.Column[str]:
    return sa.Column(name, TEXT, nullable=False)


def raw(name: str) -> sa.Column[bytes]:
    return sa.Column(name, sa.LargeBinary(), nullable=False)


def upgrade() -> None:
    op.drop_table("board")
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
        sa.Column("subtree", sa.Boolean(), nullable=False),
        text("state"),
        big("due_day"),
        big("percent"),
        raw("digest"),
        big("opened_log_no"),
        big("opened_seq"),
        big("updated_ms"),
        raw("successor"),
        sa.PrimaryKeyConstraint("item_no"),
    )
    op.create_index("board_number", "board", ["number"])
    op.create_index("board_parent", "board", ["parent"])
    op.create_index("board_receiver", "board", ["receiver", "state"])
    for table in ("item_place", "item", "blob_ref", "dirty_log"):
        op.execute(sa.table(table).delete())
    op.execute("UPDATE log SET folded_seq = 0")
    op.execute("INSERT INTO dirty_log (log_no) SELECT log_no FROM log WHERE head_seq > 0")
    op.execute("UPDATE schema_compat SET compat = 2")
