"""The first tables."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

REPORT_WORDS = (
    "CREATE VIRTUAL TABLE report_words USING fts5(text, content='reports', content_rowid='id', "
    "tokenize='unicode61 remove_diacritics 2')",
    "CREATE TRIGGER reports_words_insert AFTER INSERT ON reports BEGIN INSERT INTO "
    "report_words(rowid, text) VALUES (new.id, new.text); END",
    "CREATE TRIGGER reports_words_delete AFTER DELETE ON reports BEGIN INSERT INTO "
    "report_words(report_words, rowid, text) VALUES ('delete', old.id, old.text); END",
    "CREATE TRIGGER reports_words_update AFTER UPDATE ON reports BEGIN INSERT INTO "
    "report_words(report_words, rowid, text) VALUES ('delete', old.id, old.text); INSERT INTO "
    "report_words(rowid, text) VALUES (new.id, new.text); END",
)


def upgrade() -> None:
    """Take the step."""
    op.create_table(
        "collections",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("added_at", sa.DateTime(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_collections")),
        sa.UniqueConstraint("name", name=op.f("uq_collections_name")),
    )
    op.create_table(
        "embedding_models",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("dimensions", sa.Integer(), nullable=False),
        sa.Column("generation", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_embedding_models")),
        sa.UniqueConstraint("digest", name=op.f("uq_embedding_models_digest")),
    )
    op.create_table(
        "library",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("generation", sa.Integer(), nullable=False),
        sa.Column("key_mark", sa.String(length=32), nullable=False),
        sa.Column("created_at", sa.DateTime(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_library")),
    )
    op.create_table(
        "patients",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("pseudonym", sa.String(length=32), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_patients")),
        sa.UniqueConstraint("pseudonym", name=op.f("uq_patients_pseudonym")),
    )
    op.create_table(
        "tags",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_tags")),
        sa.UniqueConstraint("name", name=op.f("uq_tags_name")),
    )
    op.create_table(
        "studies",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("patient_id", sa.Integer(), nullable=True),
        sa.Column("pseudonym", sa.String(length=32), nullable=True),
        sa.Column("study_order", sa.String(length=32), nullable=True),
        sa.ForeignKeyConstraint(
            ["patient_id"],
            ["patients.id"],
            name=op.f("fk_studies_patient_id_patients"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_studies")),
        sa.UniqueConstraint("pseudonym", name=op.f("uq_studies_pseudonym")),
    )
    op.create_index(op.f("ix_studies_patient_id"), "studies", ["patient_id"], unique=False)
    op.create_table(
        "radiographs",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("study_id", sa.Integer(), nullable=False),
        sa.Column("alias", sa.String(length=200), nullable=True),
        sa.Column("pixel_digest", sa.String(length=64), nullable=False),
        sa.Column("original_digest", sa.String(length=64), nullable=False),
        sa.Column("original_suffix", sa.String(length=8), nullable=False),
        sa.Column("incoming_digest", sa.String(length=64), nullable=False),
        sa.Column("sop_instance", sa.String(length=32), nullable=True),
        sa.Column("perceptual_hash", sa.LargeBinary(length=32), nullable=False),
        sa.Column("near_duplicate_of", sa.Integer(), nullable=True),
        sa.Column("height", sa.Integer(), nullable=False),
        sa.Column("width", sa.Integer(), nullable=False),
        sa.Column("row_mm", sa.Double(), nullable=True),
        sa.Column("column_mm", sa.Double(), nullable=True),
        sa.Column("spacing_plane", sa.String(length=32), nullable=True),
        sa.Column("view", sa.String(length=32), nullable=False),
        sa.Column("sex", sa.String(length=1), nullable=False),
        sa.Column("age_years", sa.Double(), nullable=True),
        sa.Column("age_stated", sa.String(length=32), nullable=False),
        sa.Column("source", sa.String(length=200), nullable=False),
        sa.Column("source_id", sa.String(length=200), nullable=False),
        sa.Column("split", sa.String(length=200), nullable=False),
        sa.Column("licence", sa.Text(), nullable=False),
        sa.Column("synthetic", sa.Boolean(), nullable=False),
        sa.Column("warnings", sa.JSON(), nullable=False),
        sa.Column("added_at", sa.DateTime(), nullable=False),
        sa.CheckConstraint("height > 0 AND width > 0", name=op.f("ck_radiographs_size")),
        sa.ForeignKeyConstraint(
            ["near_duplicate_of"],
            ["radiographs.id"],
            name=op.f("fk_radiographs_near_duplicate_of_radiographs"),
            ondelete="SET NULL",
        ),
        sa.ForeignKeyConstraint(
            ["study_id"],
            ["studies.id"],
            name=op.f("fk_radiographs_study_id_studies"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_radiographs")),
        sa.UniqueConstraint("alias", name=op.f("uq_radiographs_alias")),
        sa.UniqueConstraint("original_digest", name=op.f("uq_radiographs_original_digest")),
        sa.UniqueConstraint("pixel_digest", name=op.f("uq_radiographs_pixel_digest")),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_radiographs_age_years", "radiographs", ["age_years"], unique=False)
    op.create_index(
        "ix_radiographs_incoming_digest", "radiographs", ["incoming_digest"], unique=False
    )
    op.create_index(
        op.f("ix_radiographs_near_duplicate_of"), "radiographs", ["near_duplicate_of"], unique=False
    )
    op.create_index("ix_radiographs_sex_id", "radiographs", ["sex", "id"], unique=False)
    op.create_index("ix_radiographs_sop_instance", "radiographs", ["sop_instance"], unique=False)
    op.create_index(
        "ix_radiographs_source_id_pair", "radiographs", ["source", "source_id"], unique=False
    )
    op.create_index(op.f("ix_radiographs_study_id"), "radiographs", ["study_id"], unique=False)
    op.create_index("ix_radiographs_view_id", "radiographs", ["view", "id"], unique=False)
    op.create_table(
        "collected",
        sa.Column("collection_id", sa.Integer(), nullable=False),
        sa.Column("radiograph_id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["collection_id"],
            ["collections.id"],
            name=op.f("fk_collected_collection_id_collections"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["radiograph_id"],
            ["radiographs.id"],
            name=op.f("fk_collected_radiograph_id_radiographs"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("collection_id", "radiograph_id", name=op.f("pk_collected")),
    )
    op.create_index(
        op.f("ix_collected_radiograph_id"), "collected", ["radiograph_id"], unique=False
    )
    op.create_table(
        "embeddings",
        sa.Column("model_id", sa.Integer(), nullable=False),
        sa.Column("radiograph_id", sa.Integer(), nullable=False),
        sa.Column("vector", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(
            ["model_id"],
            ["embedding_models.id"],
            name=op.f("fk_embeddings_model_id_embedding_models"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["radiograph_id"],
            ["radiographs.id"],
            name=op.f("fk_embeddings_radiograph_id_radiographs"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("model_id", "radiograph_id", name=op.f("pk_embeddings")),
    )
    op.create_index(
        op.f("ix_embeddings_radiograph_id"), "embeddings", ["radiograph_id"], unique=False
    )
    op.create_table(
        "findings",
        sa.Column("radiograph_id", sa.Integer(), nullable=False),
        sa.Column("finding", sa.String(length=32), nullable=False),
        sa.Column("source", sa.String(length=16), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("believed", sa.Boolean(), nullable=False),
        sa.CheckConstraint(
            "source IN ('imported', 'labelled', 'manual')", name=op.f("ck_findings_source")
        ),
        sa.CheckConstraint(
            "state IN ('present', 'absent', 'uncertain', 'not mentioned')",
            name=op.f("ck_findings_state"),
        ),
        sa.ForeignKeyConstraint(
            ["radiograph_id"],
            ["radiographs.id"],
            name=op.f("fk_findings_radiograph_id_radiographs"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("radiograph_id", "finding", "source", name=op.f("pk_findings")),
    )
    op.create_index(
        "ix_findings_filter",
        "findings",
        ["finding", "state", "believed", "radiograph_id"],
        unique=False,
    )
    op.create_table(
        "heatmaps",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("radiograph_id", sa.Integer(), nullable=False),
        sa.Column("bundle_digest", sa.String(length=64), nullable=False),
        sa.Column("recipe_digest", sa.String(length=64), nullable=False),
        sa.Column("recipe", sa.JSON(), nullable=False),
        sa.Column("file_digest", sa.String(length=64), nullable=False),
        sa.Column("suffix", sa.String(length=8), nullable=False),
        sa.Column("added_at", sa.DateTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["radiograph_id"],
            ["radiographs.id"],
            name=op.f("fk_heatmaps_radiograph_id_radiographs"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_heatmaps")),
        sa.UniqueConstraint(
            "radiograph_id",
            "bundle_digest",
            "recipe_digest",
            name=op.f("uq_heatmaps_radiograph_id_bundle_digest_recipe_digest"),
        ),
    )
    op.create_table(
        "query_log",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("asked_at", sa.DateTime(), nullable=False),
        sa.Column("query", sa.JSON(), nullable=False),
        sa.Column("radiograph_id", sa.Integer(), nullable=True),
        sa.Column("generation", sa.Integer(), nullable=False),
        sa.Column("seconds", sa.Double(), nullable=False),
        sa.ForeignKeyConstraint(
            ["radiograph_id"],
            ["radiographs.id"],
            name=op.f("fk_query_log_radiograph_id_radiographs"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_query_log")),
    )
    op.create_index(
        op.f("ix_query_log_radiograph_id"), "query_log", ["radiograph_id"], unique=False
    )
    op.create_table(
        "reports",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("radiograph_id", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["radiograph_id"],
            ["radiographs.id"],
            name=op.f("fk_reports_radiograph_id_radiographs"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_reports")),
        sa.UniqueConstraint("radiograph_id", name=op.f("uq_reports_radiograph_id")),
    )
    op.create_table(
        "saved_searches",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("query", sa.JSON(), nullable=False),
        sa.Column("radiograph_id", sa.Integer(), nullable=True),
        sa.Column("added_at", sa.DateTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["radiograph_id"],
            ["radiographs.id"],
            name=op.f("fk_saved_searches_radiograph_id_radiographs"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_saved_searches")),
        sa.UniqueConstraint("name", name=op.f("uq_saved_searches_name")),
    )
    op.create_index(
        op.f("ix_saved_searches_radiograph_id"), "saved_searches", ["radiograph_id"], unique=False
    )
    op.create_table(
        "tagged",
        sa.Column("tag_id", sa.Integer(), nullable=False),
        sa.Column("radiograph_id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["radiograph_id"],
            ["radiographs.id"],
            name=op.f("fk_tagged_radiograph_id_radiographs"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["tag_id"], ["tags.id"], name=op.f("fk_tagged_tag_id_tags"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("tag_id", "radiograph_id", name=op.f("pk_tagged")),
    )
    op.create_index(op.f("ix_tagged_radiograph_id"), "tagged", ["radiograph_id"], unique=False)
    op.create_table(
        "query_hits",
        sa.Column("query_id", sa.Integer(), nullable=False),
        sa.Column("rank", sa.Integer(), nullable=False),
        sa.Column("radiograph_id", sa.Integer(), nullable=False),
        sa.Column("similarity", sa.Double(), nullable=False),
        sa.ForeignKeyConstraint(
            ["query_id"],
            ["query_log.id"],
            name=op.f("fk_query_hits_query_id_query_log"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["radiograph_id"],
            ["radiographs.id"],
            name=op.f("fk_query_hits_radiograph_id_radiographs"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("query_id", "rank", name=op.f("pk_query_hits")),
    )
    op.create_index(
        op.f("ix_query_hits_radiograph_id"), "query_hits", ["radiograph_id"], unique=False
    )
    if op.get_context().dialect.name == "sqlite":
        for statement in REPORT_WORDS:
            op.execute(statement)


def downgrade() -> None:
    """There is no way back: restore the backup that was made before the step."""
    raise NotImplementedError
