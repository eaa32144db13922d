"""Published rules profiles by office, version and name: versions count per profile; which one came last is kept.

Profiles published before had versions that rise through all of an office's: they stand for the order among these, and
every later one has its record's clock, which is far greater.
"""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
TEXT = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def big(name: str) -> sa.Column[int]:
    return sa.Column(name, BIG, nullable=False, autoincrement=False)


def text(name: str) -> sa.Column[str]:
    return sa.Column(name, TEXT, nullable=False)


def upgrade() -> None:
    old = op.get_bind().execute(
        sa.text("SELECT office, version, name, valid_from_day, record_id, text FROM rules ORDER BY office, version")
    ).all()  # fmt: skip
    op.drop_table("rules")
    made = op.create_table(
        "rules", text("office"), big("version"), text("name"), big("valid_from_day"),
        sa.Column("record_id", sa.LargeBinary(), nullable=False), text("text"), big("published"),
        sa.PrimaryKeyConstraint("office", "version", "name"),
    )  # fmt: skip
    if old:
        op.bulk_insert(made, [row._asdict() | {"published": row.version} for row in old])
    op.execute("UPDATE schema_compat SET compat = 4")
