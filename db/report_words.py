"""Full-text search over reports, in SQLite's FTS5; the one file that another database replaces.

The index holds no text of its own: triggers, made by the first migration, keep it in step with
the reports' table. What a user
writes is always quoted, so that no character of it is taken for an operator.
"""

from sqlalchemy import Connection, Integer, Select, column, select, text

from daug.errors import LibraryError
from db.schema import ReportRow

MAX_WORDS = 64  # of one question; a whole report is better searched by meaning


def cases_with_words(words: str) -> Select[int] | None:
    """Return the query for cases whose report holds every word, in any order and capitals.

    Text between double quotes is searched as a phrase. None means that there is nothing to
    search for, since no letter or digit was written.

    Raises:
        LibraryError: If there are more than 64 words.
    """
    phrases = _phrases(words)
    if len(" ".join(phrases).split()) > MAX_WORDS:
        raise LibraryError(
            f"A search of reports takes at most {MAX_WORDS} words. Leave out the common ones."
        )
    if not phrases:
        return None
    question = " ".join(f'"{phrase}"' for phrase in phrases)
    found: Select[int] = (
        select(column("rowid", Integer))
        .select_from(text("report_words"))
        .where(text("report_words MATCH :question").bindparams(question=question))
    )
    return select(ReportRow.radiograph_id).where(ReportRow.id.in_(found))


def _phrases(words: str) -> list[str]:
    """Return words and quoted phrases, without the quotes and without what has no letter."""
    clean = words.encode("utf-8", "replace").decode("utf-8").replace("\0", " ")
    parts = clean.split('"')
    inside = len(parts) % 2 == 1  # an unpaired quote is a slip, and no phrase
    phrases: list[str] = []
    for index, part in enumerate(parts):
        phrases.extend([part.strip()] if inside and index % 2 else part.split())
    return [phrase for phrase in phrases if any(letter.isalnum() for letter in phrase)]


def forget_deleted(connection: Connection) -> None:
    """Make the index anew, so that words of deleted reports are nowhere in it."""
    connection.exec_driver_sql("INSERT INTO report_words(report_words) VALUES ('rebuild')")


def check(connection: Connection) -> None:
    """Compare the index with the reports.

    Raises:
        sqlalchemy.exc.DatabaseError: If they differ.
    """
    connection.exec_driver_sql(
        "INSERT INTO report_words(report_words, rank) VALUES ('integrity-check', 1)"
    )
