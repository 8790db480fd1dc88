"""What alembic runs: the steps, on the connection that it is handed, in one transaction."""

from alembic import context

from db.schema import Base

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=Base.metadata,
    render_as_batch=True,  # SQLite changes a table by making it anew
    # the tables of the full-text index are SQLite's own
    include_name=lambda name, kind, _: kind != "table" or not str(name).startswith("report_words"),
)
context.run_migrations()
