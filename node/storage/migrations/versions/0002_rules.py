"""The board says what the rules know of an item; accounts, units, job runs, proposals, profiles, calendars.

The projection is emptied and folded anew from the records.
"""

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


def flag(name: str) -> sa.Column[bool]:
    return sa.Column(name, sa.Boolean(), nullable=False)


def create_people() -> None:
    columns = (text("name"), text("roles"), text("posts"), text("unit"), flag("active"), big("since_ms"))
    op.create_table("user_account", *columns, sa.PrimaryKeyConstraint("name"))
    op.create_table("unit", text("name"), text("head"), flag("active"), sa.PrimaryKeyConstraint("name"))


def create_rules() -> None:
    for name, columns in (
        ("rules", (text("name"), big("valid_from_day"), raw("record_id"), text("text"))),
        ("calendar", (raw("record_id"), raw("body"), text("source"))),
    ):
        op.create_table(
            name, text("office"), big("version"), *columns, sa.PrimaryKeyConstraint("office", "version")
        )


def create_jobs() -> None:
    columns = (text("job"), big("day"), big("at_ms"), big("found"))
    op.create_table("job_run", *columns, sa.PrimaryKeyConstraint("job", "day"))
    op.create_table(
        "proposal",
        text("kind"),
        raw("item_id"),
        big("day"),
        text("key"),
        text("text"),
        text("grounds"),
        text("done"),
        big("done_ms"),
        sa.PrimaryKeyConstraint("kind", "item_id", "day", "key"),
    )


def upgrade() -> None:
    create_people()
    create_rules()
    create_jobs()
    create_board()
    for table in ("item_place", "item", "blob_ref", "dirty_log"):
        op.execute(sa.table(table).delete())
    op.execute("UPDATE log SET folded_seq = 0")
    op.execute("INSERT INTO dirty_log (log_no) SELECT log_no FROM log WHERE head_seq > 0")
    op.execute("UPDATE schema_compat SET compat = 2")


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
        sa.PrimaryKeyConstraint("item_no"),
    )
    op.create_index("board_number", "board", ["number"])
    op.create_index("board_parent", "board", ["parent"])
    op.create_index("board_receiver", "board", ["receiver", "state"])
    op.create_index("board_target", "board", ["target"])
