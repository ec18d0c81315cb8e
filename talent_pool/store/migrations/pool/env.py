"""Runs migrations over the connection that `talent_pool.store.migrate` hands in, inside its transaction."""

from alembic import context

attributes = context.config.attributes
metadata = attributes["metadata"]

context.configure(
    connection=attributes["connection"],
    target_metadata=metadata,
    version_table=attributes["version_table"],
    include_name=lambda name, kind, _parents: kind != "table" or name in metadata.tables,
    render_as_batch=True,
)
with context.begin_transaction():
    context.run_migrations()
