"""What was changed and can be changed back; notes on the cases of a collection."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Take the step."""
    op.add_column("collected", sa.Column("note", sa.Text(), nullable=False, server_default=""))
    op.add_column("collected", sa.Column("marks", sa.JSON(), nullable=True))
    op.create_table(
        "changes",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("made_at", sa.DateTime(), nullable=False),
        sa.Column("what", sa.Text(), nullable=False),
        sa.Column("made", sa.JSON(), nullable=False),
        sa.Column("undoes", sa.Integer(), nullable=True),
        sa.ForeignKeyConstraint(
            ["undoes"], ["changes.id"], name=op.f("fk_changes_undoes_changes"), ondelete="SET NULL"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_changes")),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_changes_undoes"), "changes", ["undoes"], unique=False)
    op.create_table(
        "alterations",
        sa.Column("change_id", sa.Integer(), nullable=False),
        sa.Column("radiograph_id", sa.Integer(), nullable=False),
        sa.Column("aspect", sa.String(length=216), nullable=False),
        sa.Column("before", sa.JSON(), nullable=False),
        sa.Column("after", sa.JSON(), nullable=False),
        sa.ForeignKeyConstraint(
            ["change_id"],
            ["changes.id"],
            name=op.f("fk_alterations_change_id_changes"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["radiograph_id"],
            ["radiographs.id"],
            name=op.f("fk_alterations_radiograph_id_radiographs"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint(
            "change_id", "radiograph_id", "aspect", name=op.f("pk_alterations")
        ),
    )
    op.create_index(
        op.f("ix_alterations_radiograph_id"), "alterations", ["radiograph_id"], unique=False
    )


def downgrade() -> None:
    """There is no way back: restore the backup that was made before the step."""
    raise NotImplementedError
