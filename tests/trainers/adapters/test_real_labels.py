"""The real label files of four collections parse whole, and every word of theirs is known."""

import csv
import gzip
import shutil
from collections import Counter
from pathlib import Path

import pytest

from daug.findings import Finding
from trainers.adapters.catalogue import ADAPTERS
from trainers.adapters.chexpert import CHEXPERT
from trainers.adapters.collection import Collection
from trainers.adapters.covid import COVID
from trainers.adapters.nih import NIH
from trainers.adapters.record import Adapter, Record
from trainers.adapters.tally import Tally
from trainers.adapters.vindr import VINDR
from trainers.adapters.writing import write_manifest
from trainers.manifest import read_manifest


def labels_folder(shared: Path) -> Path:
    folder = shared / "labels"
    if not folder.is_dir():
        pytest.skip("no label files in the shared data")
    return folder


def counted(adapter: Adapter, root: Path) -> Tally:
    tally = Tally()
    ids: set[str] = set()
    for item in adapter.read(Collection(root)):
        if isinstance(item, Record):
            assert item.id not in ids
            ids.add(item.id)
            tally.add(item, item.split, item.licence)
        else:
            tally.leave_out(item)
    assert not tally.unknown_words
    return tally


@pytest.mark.shared
def test_all_of_nih(shared: Path) -> None:
    tally = counted(NIH, labels_folder(shared))
    assert tally.rows == 112_120
    assert not tally.skipped
    assert tally.boxes == 984
    assert not tally.boxes_left_out
    assert tally.views == {"PA": 67_310, "AP": 44_810}
    # as the collection's own page counts them
    for finding, present in {
        Finding.NO_FINDING: 60_361,
        Finding.PLEURAL_EFFUSION: 13_317,
        Finding.LUNG_OPACITY: 19_894,
        Finding.ATELECTASIS: 11_559,
        Finding.PNEUMONIA: 1_431,
    }.items():
        assert tally.labels[finding, 1] == present
        assert tally.labels[finding, 0] == 112_120 - present


@pytest.mark.shared
def test_all_of_chexperts_training_table(shared: Path, tmp_path: Path) -> None:
    shutil.copy(labels_folder(shared) / "chexpert_train.csv.gz", tmp_path / "train.csv.gz")
    tally = counted(CHEXPERT, tmp_path)
    assert tally.rows == 223_414
    assert not tally.skipped
    for finding, counts in {  # present, absent, uncertain, as the table's cells say
        Finding.NO_FINDING: (22_381, 0, 0),
        Finding.CARDIOMEGALY: (27_000, 11_116, 8_087),
        Finding.LUNG_OPACITY: (105_581, 6_599, 5_598),
        Finding.CONSOLIDATION: (14_783, 28_097, 27_742),
        Finding.PLEURAL_OTHER: (3_523, 316, 2_653),
        Finding.SUPPORT_DEVICES: (116_001, 6_137, 1_079),
    }.items():
        assert tuple(tally.labels[finding, value] for value in (1, 0, -1)) == counts


@pytest.mark.shared
def test_all_of_vinbigdata(shared: Path, tmp_path: Path) -> None:
    shutil.copy(labels_folder(shared) / "vinbigdata-train.csv.gz", tmp_path / "train.csv.gz")
    with gzip.open(tmp_path / "train.csv.gz", "rt", newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 67_914
    # dim0 is the height; every box of the file lies within 4,000 pixels
    sizes = ["image_id,dim0,dim1", *(f"{name},4000,4000" for name in {r["image_id"] for r in rows})]
    (tmp_path / "train_meta.csv").write_text("\n".join(sizes))
    tally = counted(VINDR, tmp_path)
    assert tally.rows == 15_000
    assert tally.labels[Finding.NO_FINDING, 1] == 10_606  # of which all three readers say so
    hearts: dict[str, set[str]] = {}
    for row in rows:
        if row["class_name"] == "Cardiomegaly":
            hearts.setdefault(row["image_id"], set()).add(row["rad_id"])
    votes = Counter(len(readers) for readers in hearts.values())
    assert tally.labels[Finding.CARDIOMEGALY, 1] == votes[2] + votes[3]
    assert tally.labels[Finding.CARDIOMEGALY, -1] == votes[1]
    assert 0 < tally.boxes < 36_096
    assert set(tally.boxes_left_out) == {"most readers do not see what it shows"}


@pytest.mark.shared
def test_all_of_the_covid_collection_becomes_a_manifest(shared: Path, tmp_path: Path) -> None:
    root = tmp_path / "covid"
    root.mkdir()
    shutil.copy(labels_folder(shared) / "covid_chestxray_metadata.csv", root / "metadata.csv")
    said = write_manifest(COVID, root, tmp_path / "manifest.csv", keep_missing=True)
    assert said["rows"] == 674
    assert said["skipped"] == {"it is no radiograph but CT": 84}
    assert said["licences"]["unstated"] + said["licences"]["CC BY-NC-SA"] < 674
    rows = read_manifest(tmp_path / "manifest.csv")
    assert sum(row.labels.get(Finding.PNEUMONIA) == 1 for row in rows) == 556
    assert sum(bool(row.report) for row in rows) > 300


def test_no_collection_lacks_licence_citation_or_the_source_of_its_words() -> None:
    for adapter in ADAPTERS:
        assert adapter.licence
        assert adapter.terms
        assert adapter.citation
        assert adapter.words.source
        assert set(adapter.words.table.values()) - {None} <= set(Finding)
