"""The console's own tables. Nothing that was there changes: a program of the schema before can go on with it."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
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
    op.create_table(
        "credential",
        text("name"),
        text("secret"),
        big("changed_ms"),
        sa.PrimaryKeyConstraint("name"),
    )
    op.create_table(
        "web_session",
        raw("digest"),
        text("name"),
        big("made_ms"),
        big("seen_ms"),
        text("address"),
        sa.PrimaryKeyConstraint("digest"),
    )
    op.create_table(
        "login_failure",
        text("subject"),
        big("count"),
        big("last_ms"),
        big("blocked_ms"),
        sa.PrimaryKeyConstraint("subject"),
    )
    op.create_table(
        "one_time_link",
        raw("digest"),
        text("name"),
        big("expires_ms"),
        big("used_ms"),
        sa.PrimaryKeyConstraint("digest"),
    )
    op.create_table(
        "once_key",
        raw("digest"),
        big("at_ms"),
        text("verb"),
        text("answer"),
        sa.PrimaryKeyConstraint("digest"),
    )
    op.create_table(
        "draft",
        text("name"),
        text("place"),
        text("text"),
        big("at_ms"),
        sa.PrimaryKeyConstraint("name", "place"),
    )
    op.create_table(
        "saved_filter",
        text("name"),
        text("page"),
        text("title"),
        text("query"),
        big("at_ms"),
        sa.PrimaryKeyConstraint("name", "page", "title"),
    )
    op.create_table(
        "web_audit",
        big("number"),
        big("at_ms"),
        text("name"),
        text("address"),
        text("action"),
        text("subject"),
        text("outcome"),
        raw("chain"),
        sa.PrimaryKeyConstraint("number"),
    )
    op.create_table(
        "read_notice",
        text("name"),
        text("notice"),
        big("at_ms"),
        sa.PrimaryKeyConstraint("name", "notice"),
    )
