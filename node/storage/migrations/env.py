"""Run by Alembic: migrates through the connection it is given, inside that connection's open transaction."""

from alembic import context

from node.storage.tables import METADATA

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=METADATA,
    transactional_ddl=True,
)
with context.begin_transaction():
    context.run_migrations()
