from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from sqlalchemy import update

from daug.case_query import CaseFilter
from daug.errors import LibraryError
from db.database import writing
from db.library import Library
from db.schema import RadiographRow
from tests.db.drawn import import_rows, row

MOMENTS = (
    datetime(2024, 2, 28, 23, 59, 59, 999_999),
    datetime(2024, 2, 29),
    datetime(2024, 2, 29, 23, 59, 59, 999_999),
    datetime(2024, 3, 1),
)


@pytest.fixture
def ids(library: Library, tmp_path: Path) -> list[int]:
    found = import_rows(library, tmp_path, [row(n) for n in range(len(MOMENTS))]).imported
    with writing(library.engine) as connection:
        for case_id, moment in zip(found, MOMENTS, strict=True):
            row_of = RadiographRow.id == case_id
            connection.execute(update(RadiographRow).where(row_of).values(added_at=moment))
    return found


LEAP = date(2024, 2, 29)


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        (CaseFilter(added_from=LEAP, added_to=LEAP), [1, 2]),
        (CaseFilter(added_from=LEAP), [1, 2, 3]),
        (CaseFilter(added_to=LEAP), [0, 1, 2]),
        (CaseFilter(added_from=date(2024, 3, 2)), []),
        (CaseFilter(added_from=date.min, added_to=date.max), [0, 1, 2, 3]),
        (CaseFilter(), [0, 1, 2, 3]),
    ],
)
def test_days_of_entry_count_from_their_first_moment_to_their_last(
    library: Library, ids: list[int], wanted: CaseFilter, expected: list[int]
) -> None:
    places = [ids.index(case_id) for case_id in library.ids(wanted).tolist()]
    assert places == expected
    assert library.count(wanted) == len(expected)
    assert sorted(library.page(wanted).ids) == library.ids(wanted).tolist()


def test_what_is_entered_today_was_entered_today_in_utc(library: Library, tmp_path: Path) -> None:
    before = datetime.now(UTC).date()
    import_rows(library, tmp_path, [row(1)])
    after = datetime.now(UTC).date()  # midnight may have passed
    assert library.count(CaseFilter(added_from=before, added_to=after)) == 1


def test_days_that_contradict_each_other_are_refused() -> None:
    with pytest.raises(LibraryError, match="No day is from 2024-03-01 to 2024-02-29"):
        CaseFilter(added_from=date(2024, 3, 1), added_to=LEAP)
