"""The tables of the case library, as typed models.

A case is one row of `radiographs`; what is known about it hangs on that row and goes with it.
Moments are UTC. Nothing here says who a patient is: keyed hashes only.
"""

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import (
    JSON,
    CheckConstraint,
    DateTime,
    ForeignKey,
    Index,
    LargeBinary,
    MetaData,
    String,
    Text,
    UniqueConstraint,
)
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

SHA256 = 64  # hexadecimal characters
HASHED = 32  # of a keyed hash
TOKEN = 16  # hexadecimal characters: 64 bits
NAME = 200  # longest name of a tag, a collection or a saved search


class Base(DeclarativeBase):
    """All tables; constraints have names, so that migrations can speak of them."""

    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
            "fk": "fk_%(table_name)s_%(column_0_name)s_%(referred_table_name)s",
            "pk": "pk_%(table_name)s",
        }
    )


def now() -> datetime:
    """Return the moment in UTC, without a zone, as every table keeps it."""
    return datetime.now(UTC).replace(tzinfo=None)


class LibraryRow(Base):
    """The one row that says which state the library is in."""

    __tablename__ = "library"

    id: Mapped[int] = mapped_column(primary_key=True)
    generation: Mapped[int] = mapped_column(default=0)  # grows with every change of cases
    key_mark: Mapped[str] = mapped_column(String(HASHED))  # tells a wrong identity key
    created_at: Mapped[datetime] = mapped_column(DateTime, default=now)


class PatientRow(Base):
    """Somebody, as a keyed hash."""

    __tablename__ = "patients"

    id: Mapped[int] = mapped_column(primary_key=True)
    pseudonym: Mapped[str] = mapped_column(String(HASHED), unique=True)


class StudyRow(Base):
    """One visit; without identifiers every radiograph has a study of its own."""

    __tablename__ = "studies"

    id: Mapped[int] = mapped_column(primary_key=True)
    patient_id: Mapped[int | None] = mapped_column(
        ForeignKey("patients.id", ondelete="CASCADE"), index=True
    )
    pseudonym: Mapped[str | None] = mapped_column(String(HASHED), unique=True)
    study_order: Mapped[str | None] = mapped_column(String(HASHED))


class RadiographRow(Base):
    """A case: one radiograph, its files by their digests, and what a filter asks of it."""

    __tablename__ = "radiographs"
    __table_args__ = (
        CheckConstraint("height > 0 AND width > 0", name="size"),
        Index("ix_radiographs_source_id_pair", "source", "source_id"),
        Index("ix_radiographs_view_id", "view", "id"),
        Index("ix_radiographs_sex_id", "sex", "id"),
        Index("ix_radiographs_age_years", "age_years"),
        Index("ix_radiographs_sop_instance", "sop_instance"),
        Index("ix_radiographs_incoming_digest", "incoming_digest"),
        {"sqlite_autoincrement": True},  # the number of a removed case is never given again
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    study_id: Mapped[int] = mapped_column(ForeignKey("studies.id", ondelete="CASCADE"), index=True)
    alias: Mapped[str | None] = mapped_column(String(NAME), unique=True)
    pixel_digest: Mapped[str] = mapped_column(String(SHA256), unique=True)
    original_digest: Mapped[str] = mapped_column(String(SHA256), unique=True)
    original_suffix: Mapped[str] = mapped_column(String(8))
    incoming_digest: Mapped[str] = mapped_column(String(SHA256))  # of the file as it came
    sop_instance: Mapped[str | None] = mapped_column(String(HASHED))
    perceptual_hash: Mapped[bytes] = mapped_column(LargeBinary(32))
    near_duplicate_of: Mapped[int | None] = mapped_column(
        ForeignKey("radiographs.id", ondelete="SET NULL"), index=True
    )
    height: Mapped[int]
    width: Mapped[int]
    row_mm: Mapped[float | None]
    column_mm: Mapped[float | None]
    spacing_plane: Mapped[str | None] = mapped_column(String(32))
    view: Mapped[str] = mapped_column(String(32))
    sex: Mapped[str] = mapped_column(String(1))
    age_years: Mapped[float | None]
    age_stated: Mapped[str] = mapped_column(String(32))
    source: Mapped[str] = mapped_column(String(NAME))
    source_id: Mapped[str] = mapped_column(String(NAME))
    split: Mapped[str] = mapped_column(String(NAME))
    licence: Mapped[str] = mapped_column(Text)
    synthetic: Mapped[bool]
    warnings: Mapped[list[str]] = mapped_column(JSON)
    added_at: Mapped[datetime] = mapped_column(DateTime, default=now)


class ReportRow(Base):
    """The text of a case."""

    __tablename__ = "reports"

    id: Mapped[int] = mapped_column(primary_key=True)
    radiograph_id: Mapped[int] = mapped_column(
        ForeignKey("radiographs.id", ondelete="CASCADE"), unique=True
    )
    kind: Mapped[str] = mapped_column(String(16))
    text: Mapped[str] = mapped_column(Text)


class FindingRow(Base):
    """What one source says about one finding; `believed` marks the source that is trusted most."""

    __tablename__ = "findings"
    __table_args__ = (
        CheckConstraint(
            "state IN ('present', 'absent', 'uncertain', 'not mentioned')", name="state"
        ),
        CheckConstraint("source IN ('imported', 'labelled', 'manual')", name="source"),
        Index("ix_findings_filter", "finding", "state", "believed", "radiograph_id"),
    )

    radiograph_id: Mapped[int] = mapped_column(
        ForeignKey("radiographs.id", ondelete="CASCADE"), primary_key=True
    )
    finding: Mapped[str] = mapped_column(String(32), primary_key=True)
    source: Mapped[str] = mapped_column(String(16), primary_key=True)
    state: Mapped[str] = mapped_column(String(16))
    believed: Mapped[bool]


class EmbeddingModelRow(Base):
    """A model that embeds; vectors of two models never mix."""

    __tablename__ = "embedding_models"

    id: Mapped[int] = mapped_column(primary_key=True)
    digest: Mapped[str] = mapped_column(String(SHA256), unique=True)
    dimensions: Mapped[int]
    generation: Mapped[int] = mapped_column(default=0)  # grows when its vectors change
    token: Mapped[str] = mapped_column(String(TOKEN), default="", server_default="")  # of chance


class EmbeddingRow(Base):
    """A unit vector of float32, little-endian."""

    __tablename__ = "embeddings"

    model_id: Mapped[int] = mapped_column(
        ForeignKey("embedding_models.id", ondelete="CASCADE"), primary_key=True
    )
    radiograph_id: Mapped[int] = mapped_column(
        ForeignKey("radiographs.id", ondelete="CASCADE"), primary_key=True, index=True
    )
    vector: Mapped[bytes] = mapped_column(LargeBinary)


class HeatmapRow(Base):
    """A drawn map of a case, found again by what it was drawn with."""

    __tablename__ = "heatmaps"
    __table_args__ = (UniqueConstraint("radiograph_id", "bundle_digest", "recipe_digest"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    radiograph_id: Mapped[int] = mapped_column(ForeignKey("radiographs.id", ondelete="CASCADE"))
    bundle_digest: Mapped[str] = mapped_column(String(SHA256))
    recipe_digest: Mapped[str] = mapped_column(String(SHA256))
    recipe: Mapped[dict[str, Any]] = mapped_column(JSON)
    file_digest: Mapped[str] = mapped_column(String(SHA256))
    suffix: Mapped[str] = mapped_column(String(8))
    added_at: Mapped[datetime] = mapped_column(DateTime, default=now)


class TagRow(Base):
    """A word that cases bear."""

    __tablename__ = "tags"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(NAME), unique=True)


class TaggedRow(Base):
    """Which case bears which tag."""

    __tablename__ = "tagged"

    tag_id: Mapped[int] = mapped_column(ForeignKey("tags.id", ondelete="CASCADE"), primary_key=True)
    radiograph_id: Mapped[int] = mapped_column(
        ForeignKey("radiographs.id", ondelete="CASCADE"), primary_key=True, index=True
    )


class CollectionRow(Base):
    """A set of cases that somebody put together, for instance for a lesson."""

    __tablename__ = "collections"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(NAME), unique=True)
    added_at: Mapped[datetime] = mapped_column(DateTime, default=now)


class CollectedRow(Base):
    """Which case is in which collection, and what somebody wrote and drew there."""

    __tablename__ = "collected"

    collection_id: Mapped[int] = mapped_column(
        ForeignKey("collections.id", ondelete="CASCADE"), primary_key=True
    )
    radiograph_id: Mapped[int] = mapped_column(
        ForeignKey("radiographs.id", ondelete="CASCADE"), primary_key=True, index=True
    )
    note: Mapped[str] = mapped_column(Text, default="", server_default="")
    marks: Mapped[Any] = mapped_column(JSON, nullable=True)


class ChangeRow(Base):
    """A step of the history; a step without alterations is none, and goes."""

    __tablename__ = "changes"
    __table_args__ = ({"sqlite_autoincrement": True},)

    id: Mapped[int] = mapped_column(primary_key=True)
    made_at: Mapped[datetime] = mapped_column(DateTime, default=now)
    what: Mapped[str] = mapped_column(Text)  # never a text or an alias of a case
    made: Mapped[list[str]] = mapped_column(JSON)  # collections that came into being with it
    undoes: Mapped[int | None] = mapped_column(
        ForeignKey("changes.id", ondelete="SET NULL"), index=True
    )


class AlterationRow(Base):
    """What a change did to one aspect of one case; see `db.aspects`."""

    __tablename__ = "alterations"

    change_id: Mapped[int] = mapped_column(
        ForeignKey("changes.id", ondelete="CASCADE"), primary_key=True
    )
    radiograph_id: Mapped[int] = mapped_column(
        ForeignKey("radiographs.id", ondelete="CASCADE"), primary_key=True, index=True
    )
    aspect: Mapped[str] = mapped_column(String(NAME + 16), primary_key=True)
    before: Mapped[Any] = mapped_column(JSON, nullable=False)  # JSON's null for nothing
    after: Mapped[Any] = mapped_column(JSON, nullable=False)


class SavedSearchRow(Base):
    """A question to ask again."""

    __tablename__ = "saved_searches"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(NAME), unique=True)
    query: Mapped[dict[str, Any]] = mapped_column(JSON)
    radiograph_id: Mapped[int | None] = mapped_column(  # the case it starts from
        ForeignKey("radiographs.id", ondelete="CASCADE"), index=True
    )
    added_at: Mapped[datetime] = mapped_column(DateTime, default=now)


class QueryRow(Base):
    """A search that was made."""

    __tablename__ = "query_log"

    id: Mapped[int] = mapped_column(primary_key=True)
    asked_at: Mapped[datetime] = mapped_column(DateTime, default=now)
    query: Mapped[dict[str, Any]] = mapped_column(JSON)
    radiograph_id: Mapped[int | None] = mapped_column(  # the case it started from
        ForeignKey("radiographs.id", ondelete="CASCADE"), index=True
    )
    generation: Mapped[int]
    seconds: Mapped[float]


class QueryHitRow(Base):
    """What a logged search brought."""

    __tablename__ = "query_hits"

    query_id: Mapped[int] = mapped_column(
        ForeignKey("query_log.id", ondelete="CASCADE"), primary_key=True
    )
    rank: Mapped[int] = mapped_column(primary_key=True)
    radiograph_id: Mapped[int] = mapped_column(
        ForeignKey("radiographs.id", ondelete="CASCADE"), index=True
    )
    similarity: Mapped[float]
