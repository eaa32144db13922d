"""Lists and figures: the board says when an item was delivered, signed, reported and done; indexes; the text index.

The projection is emptied and folded anew from the records; the text index (`storage.texts`) fills itself.
"""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
TEXT = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
FILTER = (
    "state", "due_day", "subject", "receiver", "issuer", "kind", "source", "item_class", "leader", "unit", "colour",
    "extension", "flags", "strength", "warn_days", "submitted_day", "opened_day", "plan_year", "updated_ms",
)  # fmt: skip
RECEIVER = (
    "receiver", "state", "due_day", "subject", "flags", "kind", "strength", "warn_days", "submitted_day", "unit",
)  # fmt: skip


def big(name: str) -> sa.Column[int]:
    return sa.Column(name, BIG, nullable=False, autoincrement=False)


def text(name: str) -> sa.Column[str]:
    return sa.Column(name, TEXT, nullable=False)


def raw(name: str) -> sa.Column[bytes]:
    return sa.Column(name, sa.LargeBinary(), nullable=False)


def upgrade() -> None:
    op.create_table("item_text", big("place"), big("item_no"), sa.PrimaryKeyConstraint("place"))
    op.create_table("text_cursor", big("log_no"), big("seq"), sa.PrimaryKeyConstraint("log_no"))
    create_board()
    for table in ("item_place", "item", "blob_ref", "dirty_log"):
        op.execute(sa.table(table).delete())
    op.execute("UPDATE log SET folded_seq = 0")
    op.execute("INSERT INTO dirty_log (log_no) SELECT log_no FROM log WHERE head_seq > 0")
    op.execute("UPDATE schema_compat SET compat = 3")


def create_board() -> None:
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
        text("item_class"),
        text("source"),
        text("subject"),
        raw("target"),
        text("unit"),
        text("colour"),
        text("extension"),
        big("flags"),
        text("strength"),
        big("warn_days"),
        big("opened_day"),
        big("submitted_day"),
        text("leader"),
        text("frequency"),
        big("plan_year"),
        text("work_line"),
        big("delivered_day"),
        big("signed_day"),
        big("reported_day"),
        big("finished_day"),
        big("first_due_day"),
        big("submissions"),
        big("returns"),
        big("urges"),
        big("grants"),
        text("slips"),
        sa.PrimaryKeyConstraint("item_no"),
    )
    op.create_index("board_number", "board", ["number"])
    op.create_index("board_parent", "board", ["parent"])
    op.create_index("board_receiver", "board", list(RECEIVER))
    op.create_index("board_target", "board", ["target"])
    op.create_index("board_due", "board", ["due_day"])
    op.create_index("board_updated", "board", ["updated_ms"])
    op.create_index("board_filter", "board", list(FILTER))
