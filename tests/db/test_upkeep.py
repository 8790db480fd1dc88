import tarfile
from pathlib import Path

import pytest

from daug.case import FindingState
from daug.case_edit import Edit
from daug.errors import LibraryError
from daug.findings import Finding
from db.backup import restore
from db.database import writing
from db.exporting import export_cases
from db.library import Library, init_library, open_library
from db.manifest_source import ManifestSource
from db.schema import FindingRow
from tests.db.drawn import import_rows, row


def filled(library: Library, folder: Path) -> list[int]:
    rows = [row(n, report=f"Report number {n}.", **{Finding.EDEMA: str(n % 2)}) for n in range(4)]
    return import_rows(library, folder, rows).imported


def test_a_library_comes_back_from_its_backup_as_it_was(library: Library, tmp_path: Path) -> None:
    ids = filled(library, tmp_path)
    library.add_to("tag", "t", ids[:2])
    cases = library.cases(ids)
    copied = library.back_up(tmp_path / "backup.tar")
    assert (copied.cases, copied.files) == (4, 8)
    assert (tmp_path / "backup.tar").stat().st_mode & 0o077 == 0
    library.remove(ids)
    restore(tmp_path / "backup.tar", tmp_path / "back")
    with open_library(tmp_path / "back") as back:
        assert back.cases(ids) == cases
        assert back.verify(deep=True).consistent
        assert import_rows(back, tmp_path, [row(9, patient_id="p1")]).imported
        assert back.cases(back.ids().tolist())[-1].patient == cases[1].patient  # the same key


def test_a_backup_never_overwrites_and_a_damaged_one_restores_nothing(
    library: Library, tmp_path: Path
) -> None:
    filled(library, tmp_path)
    backup = tmp_path / "backup.tar"
    library.back_up(backup)
    with pytest.raises(LibraryError, match="there already"):
        library.back_up(backup)
    with pytest.raises(LibraryError, match="not empty"):
        restore(backup, library.folder.path)
    with tarfile.open(backup) as tar:
        member = next(m for m in tar if m.name.startswith("originals/"))
    content = bytearray(backup.read_bytes())
    content[member.offset_data + 40] ^= 1
    (tmp_path / "flipped.tar").write_bytes(bytes(content))
    (tmp_path / "cut.tar").write_bytes(bytes(content[: len(content) // 2]))
    (tmp_path / "none.tar").write_bytes(b"no tar at all")
    for name in ("flipped.tar", "cut.tar", "none.tar"):
        with pytest.raises(LibraryError, match=r"damaged|missing"):
            restore(tmp_path / name, tmp_path / "back")
        assert not (tmp_path / "back").exists()
        assert not list(tmp_path.glob(".daug*"))


def test_a_backup_that_would_write_elsewhere_is_refused(tmp_path: Path) -> None:
    outside = tmp_path / "loot"
    outside.write_text("x")
    for name in ("../escaped", "/tmp/escaped", "originals/../../escaped"):
        with tarfile.open(tmp_path / "evil.tar", "w") as tar:
            tar.add(outside, "library.sqlite")
            info = tarfile.TarInfo(name)
            tar.addfile(info)
        with pytest.raises(LibraryError, match="no backup of a library"):
            restore(tmp_path / "evil.tar", tmp_path / "back")
        assert not (tmp_path / "escaped").exists()


def test_verifying_finds_every_kind_of_damage_and_mends_what_it_can(
    library: Library, tmp_path: Path
) -> None:
    ids = filled(library, tmp_path)
    assert library.verify(deep=True).consistent
    changed, lost = library.original(ids[0]), library.original(ids[1])
    changed.write_bytes(changed.read_bytes()[:-1] + b"!")
    kept = lost.read_bytes()
    lost.unlink()
    library.thumbnail(library.case(ids[2])).unlink()
    stray = library.folder.path / "originals" / "zz" / "stray.png"
    stray.parent.mkdir()
    stray.write_bytes(b"whose?")
    with writing(library.engine) as connection:
        connection.execute(
            FindingRow.__table__.update()  # type: ignore[attr-defined]
            .where(FindingRow.radiograph_id == ids[3])
            .values(believed=False)
        )
        connection.exec_driver_sql(
            "INSERT INTO report_words(report_words, rowid, text) VALUES ('delete', 1, 'Report')"
        )
    problems = "\n".join(library.verify().problems)
    for sign in (
        f"case {ids[0]}: {changed.relative_to(library.folder.path)} was changed",
        f"case {ids[1]}: {lost.relative_to(library.folder.path)} is missing",
        f"case {ids[2]}: thumbnails",
        "stray.png belongs to no case",
        f"case {ids[3]}: of a finding not exactly one source is believed",
        "index of report words differs",
    ):
        assert sign in problems
    lost.write_bytes(kept)
    library.set_findings(ids[3], {Finding.EDEMA: FindingState.PRESENT})
    mended = library.verify(repair=True)
    assert len(mended.problems) == 1  # a changed original comes from a backup only
    assert "was changed" in mended.problems[0]
    assert not stray.exists()


def test_a_deep_check_sees_an_original_that_decodes_to_something_else(
    library: Library, tmp_path: Path
) -> None:
    ids = filled(library, tmp_path)
    with writing(library.engine) as connection:
        connection.exec_driver_sql(
            "UPDATE radiographs SET pixel_digest = ? WHERE id = ?", ("e" * 64, ids[0])
        )
    library.verify(repair=True)
    assert library.verify().consistent
    assert "other pixels" in library.verify(deep=True).problems[0]


def test_what_is_exported_can_be_imported_and_says_the_same(
    library: Library, tmp_path: Path
) -> None:
    rows = [
        row(
            1,
            view="PA",
            sex="M",
            age="mid 50s",
            study_order="2",
            report="=HYPERLINK(evil) is no formula here, but a quote\nand a line",
            text_derived="Pneumonia|Fracture",
            **{Finding.EDEMA: "1", Finding.PNEUMONIA: "-1", Finding.FRACTURE: "0"},
        ),
        row(2, study_order="1", patient_id="p1", report="-1 is how this one begins"),
    ]
    ids = import_rows(library, tmp_path, rows).imported
    library.edit(ids[1], Edit(findings={Finding.ATELECTASIS: FindingState.PRESENT}))
    assert export_cases(library, ids, tmp_path / "out") == 2
    cells = (tmp_path / "out" / "manifest.csv").read_text()
    assert "'=HYPERLINK" in cells
    assert "p1" not in cells.replace("mp1", "")
    other = init_library(tmp_path / "other")
    report = other.import_from(
        lambda key, spare: ManifestSource(tmp_path / "out" / "manifest.csv", key)
    )
    for one, two in zip(library.cases(ids), other.cases(report.imported), strict=True):
        for name in (
            "pixel_digest",
            "view",
            "sex",
            "age",
            "report",
            "labels",
            "source_id",
            "split",
        ):
            assert getattr(one, name) == getattr(two, name), name
    first, second = other.cases(report.imported)
    assert {f.value for f, said in first.findings.items() if said.source == "labelled"} == {
        "Pneumonia",
        "Fracture",
    }
    assert first.patient == second.patient
    assert [c.case_id for c in other.same_patient(first.case_id)] == report.imported[::-1]
    other.close()
    with pytest.raises(LibraryError, match="not empty"):
        export_cases(library, ids, tmp_path / "out")


def test_a_library_counts_what_it_holds(library: Library, tmp_path: Path) -> None:
    from db.counting import count_everything

    filled(library, tmp_path)
    counted = count_everything(library.engine)
    assert counted["cases"] == counted["patients"] == 4
    assert counted["findings"][Finding.EDEMA] == {
        "present": 2,
        "absent": 2,
        "uncertain": 0,
        "not mentioned": 0,
    }
    assert counted["findings"][Finding.FRACTURE]["not mentioned"] == 4
    assert counted["reports"] == {"real": 4}
