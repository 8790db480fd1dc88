"""A token of chance beside each model's generation, so that no two states bear the same name."""

import secrets

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Take the step."""
    op.add_column(
        "embedding_models",
        sa.Column("token", sa.String(length=16), nullable=False, server_default=""),
    )
    models = sa.table("embedding_models", sa.column("id", sa.Integer), sa.column("token"))
    connection = op.get_bind()
    for model_id in connection.scalars(sa.select(models.c.id)).all():
        named = sa.update(models).where(models.c.id == model_id)
        connection.execute(named.values(token=secrets.token_hex(8)))


def downgrade() -> None:
    """There is no way back: restore the backup that was made before the step."""
    raise NotImplementedError
