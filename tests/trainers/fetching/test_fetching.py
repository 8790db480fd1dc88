"""A collection is fetched once, verified whenever asked, and never taken for what it is not."""

import errno
import hashlib
import json
import shlex
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from filelock import FileLock

from tests.trainers.fetching.archives import everything, tar_of, zip_of
from tests.trainers.fetching.conftest import Calm
from tests.trainers.fetching.source import Source
from trainers.adapters.folder import folder_adapter
from trainers.adapters.nih import NIH as NIH_ADAPTER
from trainers.adapters.openi import OPENI as OPENI_ADAPTER
from trainers.adapters.writing import write_manifest
from trainers.fetching.catalogue import CATALOGUE, HANNOVER, NIH, OPENI, find_download
from trainers.fetching.fault import FetchError
from trainers.fetching.fetching import LOCK_FILE, fetch
from trainers.fetching.partial import Partial
from trainers.fetching.plan import Plan, chosen_files
from trainers.fetching.receipt import Receipt
from trainers.fetching.record import Download, RemoteFile
from trainers.manifest import read_manifest

REPORTS = tar_of({"ecgen-radiology/1.xml": b"<eCitation/>"})
IMAGES = tar_of({"CXR1_1_IM-0001-3001.png": b"\x89PNG" + bytes(5000)})


def today() -> str:
    return "2026-01-02"


@pytest.fixture
def collection(source: Source) -> Download:
    """Open-i as it is packed, at a source on loopback; its images have a published checksum."""
    source.files = {"reports": REPORTS, "images": IMAGES}
    reports, images = OPENI.files
    md5 = hashlib.md5(IMAGES, usedforsecurity=False).hexdigest()
    return replace(
        OPENI,
        files=(
            replace(reports, url=source.url("reports"), size=None),
            replace(images, url=source.url("images"), size=len(IMAGES), checksum=f"md5:{md5}"),
        ),
    )


@pytest.fixture
def get(collection: Download, tmp_path: Path, calm: Calm) -> Callable[..., dict[str, Any]]:
    def get(unpack: bool = False, only: tuple[str, ...] = ()) -> dict[str, Any]:
        plan = Plan(collection, tmp_path / "c", chosen_files(collection, only), unpack)
        return fetch(plan, calm.line(), today)

    return get


def receipt(folder: Path) -> dict[str, Any]:
    files: dict[str, Any] = json.loads((folder / "daug-receipt.json").read_text())["files"]
    return files


def test_files_arrive_with_a_receipt_and_nothing_else_stays(
    get: Callable[..., dict[str, Any]], tmp_path: Path, source: Source
) -> None:
    found = get()
    assert found["became"] == {"NLMCXR_reports.tgz": "fetched", "NLMCXR_png.tgz": "fetched"}
    there = everything(tmp_path / "c")
    assert set(there) - {LOCK_FILE, "daug-receipt.json"} == {"NLMCXR_reports.tgz", "NLMCXR_png.tgz"}
    assert there["NLMCXR_png.tgz"] == IMAGES
    assert receipt(tmp_path / "c")["NLMCXR_reports.tgz"] == {
        "url": source.url("reports"),
        "bytes": len(REPORTS),
        "sha256": hashlib.sha256(REPORTS).hexdigest(),
        "published": "no checksum is published",
        "received": "2026-01-02",
    }


def test_a_second_run_asks_for_nothing_and_verifies_everything(
    get: Callable[..., dict[str, Any]], source: Source
) -> None:
    get()
    source.asked.clear()
    assert set(get()["became"].values()) == {"verified"}
    assert source.asked == []


def test_a_file_that_changed_on_disk_is_noticed(
    get: Callable[..., dict[str, Any]], tmp_path: Path
) -> None:
    get()
    (tmp_path / "c" / "NLMCXR_reports.tgz").write_bytes(tar_of({"other.xml": b"2"}))
    with pytest.raises(FetchError, match=r"NLMCXR_reports\.tgz is not what was received"):
        get()


def test_a_wrong_checksum_throws_the_file_away_and_the_next_run_mends_it(
    get: Callable[..., dict[str, Any]], tmp_path: Path, source: Source
) -> None:
    source.files["images"] = IMAGES[:-1] + b"x"
    with pytest.raises(FetchError, match=r"is not the published file: its MD5 is .*thrown away"):
        get()
    assert [p for p in everything(tmp_path / "c") if "png" in p] == []
    assert "NLMCXR_png.tgz" not in receipt(tmp_path / "c")
    source.files["images"] = IMAGES
    assert get()["became"] == {"NLMCXR_reports.tgz": "verified", "NLMCXR_png.tgz": "fetched"}


def test_a_page_instead_of_an_archive_is_not_kept(
    get: Callable[..., dict[str, Any]], tmp_path: Path, source: Source
) -> None:
    source.files["reports"] = b"<html>Please log in</html>"
    with pytest.raises(FetchError, match=r"is no \.tgz archive.*sent a page"):
        get(only=("NLMCXR_reports.tgz",))
    assert set(everything(tmp_path / "c")) <= {LOCK_FILE}


def test_a_zip_without_its_end_is_not_kept(tmp_path: Path, source: Source, calm: Calm) -> None:
    source.files["z"] = zip_of({"a": bytes(5000), "b": b"2"})[:-40]
    cut = replace(OPENI, files=(RemoteFile("z.zip", source.url("z")),))
    with pytest.raises(FetchError, match="is not whole"):
        fetch(Plan(cut, tmp_path, cut.files), calm.line(), today)
    assert not (tmp_path / "z.zip").exists()


@pytest.mark.parametrize("by_hand", [False, True])
def test_a_packed_archive_that_breaks_off_is_not_taken_for_whole(
    get: Callable[..., dict[str, Any]], tmp_path: Path, source: Source, by_hand: bool
) -> None:
    """No checksum is published, and a source that does not tell the length may break off unseen."""
    path = tmp_path / "c" / "NLMCXR_reports.tgz"
    source.files["reports"] = REPORTS[:-20]
    advice = "thrown away; run the command again"
    if by_hand:
        path.parent.mkdir()
        path.write_bytes(REPORTS[:-20])
        advice = "Move it away and run the command again"
    with pytest.raises(FetchError, match=rf"tgz is not whole .*{advice}"):
        get(only=("NLMCXR_reports.tgz",))
    assert path.exists() == by_hand


def test_files_put_there_by_hand_are_taken_if_they_are_the_published_ones(
    get: Callable[..., dict[str, Any]], tmp_path: Path, source: Source
) -> None:
    folder = tmp_path / "c"
    folder.mkdir()
    (folder / "NLMCXR_reports.tgz").write_bytes(REPORTS)
    (folder / "NLMCXR_png.tgz").write_bytes(IMAGES)
    became = get()["became"]
    assert became == {
        "NLMCXR_reports.tgz": "taken as it was put there",
        "NLMCXR_png.tgz": "verified",
    }
    assert source.asked == []
    assert receipt(folder)["NLMCXR_png.tgz"]["sha256"] == hashlib.sha256(IMAGES).hexdigest()
    (folder / "daug-receipt.json").unlink()
    (folder / "NLMCXR_png.tgz").write_bytes(REPORTS)
    with pytest.raises(FetchError, match=r"is not the published file.* Move it away and run"):
        get()


def test_a_file_that_cannot_be_read_is_named_and_kept(
    get: Callable[..., dict[str, Any]], tmp_path: Path
) -> None:
    (tmp_path / "c" / "NLMCXR_png.tgz").mkdir(parents=True)
    with pytest.raises(FetchError, match=r"NLMCXR_png\.tgz cannot be used \(Is a directory\)"):
        get()
    assert (tmp_path / "c" / "NLMCXR_png.tgz").is_dir()


def test_the_next_command_can_be_copied_whatever_the_folder_is_called(
    collection: Download, tmp_path: Path, calm: Calm
) -> None:
    folder = tmp_path / "my {films}"
    found = fetch(Plan(collection, folder, collection.files), calm.line(), today)
    said = shlex.split(found["then"])
    assert said == ["daug", "data", "openi", str(folder), "-o", f"{folder}/manifest.csv"]


def test_what_is_fetched_by_hand_is_told_apart_by_need(tmp_path: Path) -> None:
    (tmp_path / "test_list.txt").touch()
    said = Plan(NIH, tmp_path, NIH.files).sentences().splitlines()[-1]
    assert said == (
        f"To be fetched by hand from {NIH.page} into {tmp_path}: Data_Entry_2017_v2020.csv, "
        "BBox_List_2017.csv (optional), train_val_list.txt (optional)."
    )


def test_without_a_network_it_is_said_what_to_do_by_hand(tmp_path: Path, calm: Calm) -> None:
    nowhere = replace(
        OPENI, files=tuple(replace(f, url=f"http://127.0.0.1:9/{f.name}") for f in OPENI.files)
    )
    plan = Plan(nowhere, tmp_path, nowhere.files)
    with pytest.raises(FetchError) as error:
        fetch(plan, calm.line(), today)
    sentence, *addresses = str(error.value).splitlines()
    assert "cannot be reached" in sentence
    assert str(tmp_path) in sentence
    assert [line.split() for line in addresses] == [[f.name, f.url] for f in nowhere.files]


def test_a_disk_that_is_too_small_is_said_before_anything_is_asked(
    collection: Download, tmp_path: Path, calm: Calm, source: Source
) -> None:
    calm.room = len(IMAGES) - 1
    plan = Plan(collection, tmp_path, collection.files)
    with pytest.raises(FetchError, match="Make room"):
        fetch(plan, calm.line(), today)
    assert source.asked == []
    calm.room = 2 * len(IMAGES) - 1
    with pytest.raises(FetchError, match="Make room"):
        fetch(replace(plan, unpack=True), calm.line(), today)


def test_what_is_there_needs_no_room_again(
    collection: Download, get: Callable[..., dict[str, Any]], tmp_path: Path
) -> None:
    plan = Plan(collection, tmp_path / "c", collection.files, unpack=True)
    assert plan.room_needed() == 2 * len(IMAGES)
    plan.folder.mkdir()
    begun = Partial(plan.folder, collection.files[1])
    begun.path.write_bytes(IMAGES[:100])
    assert plan.room_needed() == 2 * len(IMAGES) - 100
    begun.restart()
    get()
    assert plan.room_needed() == len(IMAGES)
    get(unpack=True)
    assert plan.room_needed() == 0


def test_one_file_may_be_asked_for_alone(get: Callable[..., dict[str, Any]]) -> None:
    assert get(only=("NLMCXR_png.tgz",))["became"] == {"NLMCXR_png.tgz": "fetched"}


def test_another_archive_is_not_taken_for_the_one_that_was_unpacked(
    get: Callable[..., dict[str, Any]], tmp_path: Path
) -> None:
    get(unpack=True)
    folder = tmp_path / "c"
    (folder / "NLMCXR_reports.tgz").write_bytes(tar_of({"ecgen-radiology/2.xml": b"<b/>"}))
    kept = json.loads((folder / "daug-receipt.json").read_text())
    sha256 = hashlib.sha256((folder / "NLMCXR_reports.tgz").read_bytes()).hexdigest()
    kept["files"]["NLMCXR_reports.tgz"]["sha256"] = sha256
    (folder / "daug-receipt.json").write_text(json.dumps(kept))
    with pytest.raises(FetchError, match="ecgen-radiology exists, and nothing is unpacked over it"):
        get(unpack=True)


def test_a_receipt_that_cannot_be_written_leaves_the_former_one(
    collection: Download, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    Receipt(tmp_path).keep(collection.files[0], sha256="1")

    def full(self: Path, text: str, **_: object) -> int:
        self.write_bytes(text[:5].encode())
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Path, "write_text", full)
    with pytest.raises(FetchError, match="Make room"):
        Receipt(tmp_path).keep(collection.files[0], unpacked={"files": 1})
    assert Receipt(tmp_path).of(collection.files[0]) == {"sha256": "1"}


def test_two_runs_do_not_fill_one_folder(
    get: Callable[..., dict[str, Any]], tmp_path: Path
) -> None:
    (tmp_path / "c").mkdir()
    with FileLock(tmp_path / "c" / LOCK_FILE), pytest.raises(FetchError, match="another run"):
        get()


def test_archives_are_unpacked_once(get: Callable[..., dict[str, Any]], tmp_path: Path) -> None:
    assert not (tmp_path / "c" / "ecgen-radiology").exists()
    assert [u["again"] for u in get(unpack=True)["unpacked"]] == [True, True]
    folder = tmp_path / "c"
    assert (folder / "ecgen-radiology" / "1.xml").read_bytes() == b"<eCitation/>"
    assert (folder / "NLMCXR_png" / "CXR1_1_IM-0001-3001.png").exists()
    again = get(unpack=True)
    assert [(u["again"], u["files"]) for u in again["unpacked"]] == [(False, 1), (False, 1)]


def test_a_damaged_receipt_is_said(get: Callable[..., dict[str, Any]], tmp_path: Path) -> None:
    (tmp_path / "c").mkdir()
    (tmp_path / "c" / "daug-receipt.json").write_text('{"files": [1]}')
    with pytest.raises(FetchError, match=r"daug-receipt\.json cannot be read"):
        get()


def test_what_nih_unpacks_to_is_what_its_adapter_reads(
    tmp_path: Path, source: Source, calm: Calm
) -> None:
    name = "00000001_000.png"
    content = tar_of({f"images/{name}": b"\x89PNG"})
    source.files["images"] = content
    first = replace(NIH.files[0], url=source.url("images"), size=len(content), checksum="")
    plan = Plan(replace(NIH, files=(first,)), tmp_path, (first,), unpack=True)
    found = fetch(plan, calm.line(), today)
    assert found["by_hand"][0] == "Data_Entry_2017_v2020.csv"
    (tmp_path / "Data_Entry_2017_v2020.csv").write_text(
        "Image Index,Finding Labels,Follow-up #,Patient ID,Patient Age,Patient Gender,"
        "View Position,OriginalImage[Width,Height],OriginalImagePixelSpacing[x,y]\n"
        f"{name},Cardiomegaly,0,1,58,M,PA,2682,2749,0.143,0.143\n"
    )
    said = write_manifest(NIH_ADAPTER, tmp_path, tmp_path / "manifest.csv")
    assert (said["rows"], said["skipped"]) == (1, {})


def test_what_openi_unpacks_to_is_what_its_adapter_reads(
    get: Callable[..., dict[str, Any]], tmp_path: Path, source: Source
) -> None:
    source.files["reports"] = tar_of(
        {
            "ecgen-radiology/1.xml": b"<eCitation><uId id='CXR1'/><MeSH><major>normal</major>"
            b"</MeSH><AbstractText Label='FINDINGS'>Normal chest.</AbstractText>"
            b"<parentImage id='CXR1_1_IM-0001-3001'/></eCitation>"
        }
    )
    get(unpack=True)
    folder = tmp_path / "c"
    said = write_manifest(OPENI_ADAPTER, folder, folder / "manifest.csv")
    assert (said["rows"], said["skipped"]) == (1, {})


def test_hannover_comes_with_a_table_that_keeps_patients_in_one_split(
    tmp_path: Path, source: Source, calm: Calm
) -> None:
    top = "covid-19-image-repository-master"
    rows = [f"p{n % 3},{n:08x},m,,,,0,,,,CR,ap,0.0,5.0" for n in range(9)]
    header = (
        "patient_id,image_id,sex,age,size,weight,admission_offset,icu_admission_offset,"
        "icu_release_offset,death_offset,modality,projection,crp_offset,crp_val"
    )
    source.files["z"] = zip_of(
        {f"{top}/data.csv": "\n".join([header, *rows]).encode()}
        | {f"{top}/png/{n:08x}.png": b"\x89PNG" for n in range(8)}
    )
    (file,) = HANNOVER.files
    file = replace(file, url=source.url("z"))
    plan = Plan(replace(HANNOVER, files=(file,)), tmp_path, (file,), unpack=True)
    assert fetch(plan, calm.line(), today)["listed"] == 8
    adapter = folder_adapter("hannover", tmp_path / "images.csv", "CC BY 3.0")
    said = write_manifest(adapter, tmp_path, tmp_path / "manifest.csv")
    assert (said["rows"], said["unknown_words"]) == (8, {})
    listed = list(read_manifest(tmp_path / "manifest.csv"))
    assert {row.view for row in listed} == {"AP"}
    assert len({row.patient for row in listed}) == 3


def test_a_changed_table_of_hannover_is_said(tmp_path: Path) -> None:
    (tmp_path / "covid-19-image-repository").mkdir()
    (tmp_path / "covid-19-image-repository" / "data.csv").write_text("id,file\n1,a\n")
    assert HANNOVER.tabulate is not None
    with pytest.raises(FetchError, match="has no column age, image_id"):
        HANNOVER.tabulate(tmp_path)
    assert not (tmp_path / "images.csv").exists()


def test_a_short_line_of_hannovers_table_lists_nothing(tmp_path: Path) -> None:
    (tmp_path / "covid-19-image-repository").mkdir()
    (tmp_path / "covid-19-image-repository" / "data.csv").write_text(
        "patient_id,image_id,projection,sex,age\np1\n"
    )
    assert HANNOVER.tabulate is not None
    assert HANNOVER.tabulate(tmp_path) == 0


@pytest.mark.parametrize("download", CATALOGUE, ids=lambda download: download.name)
def test_every_collection_names_its_licence_source_and_places(download: Download) -> None:
    assert download.licence
    assert download.terms
    assert download.citation
    for file in download.files:
        assert file.url.startswith("https://")
        kind, _, digest = file.checksum.partition(":")
        lengths = {"": 0, "md5": 32, "sha256": 64}
        assert len(digest) == lengths[kind]
        assert file.unpack_to not in ("", ".", "..")
    names = [name for file in download.files for name in (file.name, file.unpack_to)]
    assert len(set(names)) == len(names)
    assert "{root}" in download.then


def test_what_cannot_be_fetched_is_said() -> None:
    with pytest.raises(FetchError, match=r"'mimic' cannot be fetched\. There is openi, nih, hann"):
        find_download("mimic")
    with pytest.raises(FetchError, match=r"nih has no file 'images_13' to fetch"):
        chosen_files(NIH, ["images_13"])
