"""From a manifest to the paper's tables and figure, in the smallest networks, with interruptions.

The one long run here is stopped twice on its way, by Ctrl-C and by a crash, and gone on with.
"""

import json
import shutil
import signal
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import torch

import app
from daug.anatomy import open_anatomist
from daug.bundle import Bundle, read_bundle
from daug.embedder import open_embedder
from daug.errors import ManifestError, TrainingError
from daug.findings import Finding, State
from daug.heatmap import Reference, Region
from tests.trainers.mimic_miniature import write_miniature
from tests.trainers.test_train_all_refused import bundle_with_segmenter
from trainers.clip_run import ClipRequest, train_clip
from trainers.heat_cache import write_changes
from trainers.manifest import read_manifest, select
from trainers.reproduction import estimates, sizes
from trainers.reproduction.licences import check_licences
from trainers.reproduction.order import Order
from trainers.reproduction.page import page_markdown
from trainers.reproduction.results import results_page
from trainers.reproduction.run import stages_of, train_all
from trainers.reproduction.segmenter import segmenter_digest
from trainers.reproduction.sizes import SIZES
from trainers.reproduction.space import GIB, TRAINED_BYTES, bytes_of_stages, parameters
from trainers.reproduction.speed import Speed
from trainers.reproduction.timing import Pace

STAGES = (
    *("data", "diffusion", "classifier", "build", "tune", "maps", "clip", "ablation", "add-clip"),
    *("retrieval", "classification", "classifier-table", "figure-2", "results"),
)
DRAWN_BEFORE_STOPPED = 16  # radiographs
pytestmark = pytest.mark.timeout(900)  # on a machine that does much else; half a minute alone


@dataclass(frozen=True)
class Whole:
    """A finished run, and what was told on the way to it."""

    order: Order
    stopped: str  # the sentence after Ctrl-C
    maps_then: int
    trained_then: list[str]  # CLIP runs that were finished when it crashed
    last: dict[str, Any]  # what the last call did

    def when(self, *names: str) -> dict[str, int]:
        """Return when files were last written."""
        return {name: (self.order.folder / name).stat().st_mtime_ns for name in names}


def draw_panel(bundle: Path, file: Path, output: Path) -> None:
    app.Tools().draw_panel(bundle, file, output)


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Whole:
    folder = tmp_path_factory.mktemp("miniature")
    manifest = write_miniature(folder / "data" / "mimic-cxr-jpg")
    order = Order(manifest, folder / "out", preset="tiny", sources=("mimic",))
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    with pytest.MonkeyPatch.context() as patch:
        stopped = _stop_while_maps_are_drawn(order, patch)
    maps_then = len(list(order.parts.maps.rglob("*.safetensors")))
    with pytest.MonkeyPatch.context() as patch:
        _crash_before_the_third_training(order, patch)
    trained = sorted(path.parent.name for path in order.parts.ablation.glob("runs/*/run.json"))
    last = train_all(order, draw_panel)
    torch.set_num_threads(threads)
    return Whole(order, stopped, maps_then, trained, last)


def _stop_while_maps_are_drawn(order: Order, patch: pytest.MonkeyPatch) -> str:
    """Press Ctrl-C, as the terminal does, once some maps are written."""
    written: list[Path] = []

    def written_then_stopped(*words: Any) -> Path:
        if len(written) == DRAWN_BEFORE_STOPPED:
            signal.raise_signal(signal.SIGINT)
        written.append(write_changes(*words))
        return written[-1]

    patch.setattr("trainers.heat_run.write_changes", written_then_stopped)
    # A shell lets what it runs in the background ignore Ctrl-C.
    earlier = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        with pytest.raises(TrainingError) as stopped:
            train_all(order, draw_panel)
    finally:
        signal.signal(signal.SIGINT, earlier)
    return str(stopped.value)


def _crash_before_the_third_training(order: Order, patch: pytest.MonkeyPatch) -> None:
    begun: list[Path] = []

    def crash(request: ClipRequest) -> dict[str, Any]:
        begun.append(request.folder)
        if len(begun) == 3:
            raise RuntimeError("the machine went down")
        return train_clip(request)

    patch.setattr("trainers.evaluation.ablation_runs.train_clip", crash)
    with pytest.raises(RuntimeError, match="went down"):
        train_all(order, draw_panel)


def state(whole: Whole, stage: str) -> dict[str, Any]:
    text = (whole.order.folder / "state" / f"{stage}.json").read_text("utf-8")
    values: dict[str, Any] = json.loads(text)
    return values


def done_now(found: dict[str, Any]) -> list[str]:
    return [entry["stage"] for entry in found["stages"] if entry["done"] == "now"]


def test_what_was_stopped_goes_on_and_what_was_done_is_not_done_again(whole: Whole) -> None:
    assert whole.stopped == "Interrupted during maps. The same command goes on from there."
    assert whole.maps_then == DRAWN_BEFORE_STOPPED
    assert whole.trained_then == ["daug-clip-0", "plain-clip-0"]
    assert [entry["stage"] for entry in whole.last["stages"]] == list(STAGES)
    assert done_now(whole.last) == list(STAGES[STAGES.index("clip") :])
    assert state(whole, "maps")["found"]["radiographs"] == sum(radiographs(whole).values())


def radiographs(whole: Whole) -> dict[str, int]:
    counts: dict[str, int] = state(whole, "data")["found"]["radiographs"]
    return counts


def test_the_manifest_also_holds_what_the_labels_entail_and_says_so(whole: Whole) -> None:
    before = {row.id: row for row in read_manifest(whole.order.manifest)}
    after = {row.id: row for row in read_manifest(whole.order.parts.manifest)}
    assert after.keys() == before.keys()
    assert {row.labels.get(Finding.NO_FINDING) for row in before.values()} == {None, 1}
    assert {row.labels.get(Finding.NO_FINDING) for row in after.values()} == {0, 1}
    for name, row in after.items():
        assert row.labels.items() >= before[name].labels.items()
        assert row.assumed == row.labels.keys() - before[name].labels.keys()
        assert row.image.read_bytes() == before[name].image.read_bytes()


def test_every_part_of_the_paper_is_there(whole: Whole) -> None:
    parts = whole.order.parts
    bundle = read_bundle(parts.bundle)
    bundle.verify_files()
    assert open_embedder(bundle, torch.device("cpu")).plan.maps
    assert bundle.training["clip"]["channels"]["kind"] == "paper"
    assert bundle.training["clip"]["settings"]["weight"] == 0.7
    rows = json.loads((parts.ablation / "ablation.json").read_text("utf-8"))["rows"]
    assert {row["task"] for row in rows} == {"report_to_image", "image_to_image", "classification"}
    for stem in ("retrieval", "classification", "classifier"):
        document = json.loads((parts.tables / f"{stem}.json").read_text("utf-8"))
        assert document["bundle"]["digest"] == bundle.digest
        assert document["images"] == {"mimic": radiographs(whole)["test"]}
    figures = sorted(parts.figures.iterdir())
    assert [path.name for path in figures] == ["figure2-1.png", "figure2-2.png"]
    first, second = (cv2.imread(str(path)) for path in figures)
    assert first is not None
    assert second is not None
    assert not np.array_equal(first, second)


def test_figure_2_shows_the_test_radiographs_with_most_super_classes(whole: Whole) -> None:
    offered = read_bundle(whole.order.parts.bundle).offered
    rows = select(read_manifest(whole.order.parts.manifest), splits=["test"])
    shown = {
        row.id: sum(row.state(card.super_class) is State.PRESENT for card in offered)
        for row in rows
    }
    of_patient = {row.patient: shown[row.id] for row in rows}
    chosen = state(whole, "figure-2")["found"]["radiographs"]
    assert [shown[name] for name in chosen] == sorted(of_patient.values(), reverse=True)[:2]
    assert max(shown.values()) > 1


def test_the_page_sets_our_rows_beside_the_papers_and_says_what_differs(whole: Whole) -> None:
    text = whole.order.parts.results.read_text("utf-8")
    for part in (
        "## Table 1. Report → image, mAP@5",
        "## Table 2. Image → image, mAP@5",
        "## Table 3. Classification, AUROC",
        "## Table 4. Classifier of noised radiographs",
        "| X-TRA CLIP [paper] | DAug (Ablation), CLIP loss [paper] | DAug [paper] |",
        "| 0.63 | 0.77 | 0.77 |",
        "DAug channels + hybrid loss minus DAug [paper]",
        "plain channels + CLIP loss minus CLIP without augmentation [paper]",
        "They are on the same collection as ours",
        "Keep everything that is trained on it to yourself",
        "(figures/figure2-1.png)",
        "its s is not printed",
        "Not for diagnostic use",
    ):
        assert part in text, part
    html = whole.order.parts.results.with_suffix(".html").read_text("utf-8")
    assert html.count("<table>") == text.count("|---|") // 1 - _extra_rules(text)
    assert '<img src="figures/figure2-2.png"' in html
    assert "http" not in html
    assert "<script" not in html


def _extra_rules(text: str) -> int:
    """Return how often a rule repeats the pattern within its own line."""
    return sum(line.count("|---|") - 1 for line in text.splitlines() if line.startswith("|---|"))


def test_a_difference_is_ours_minus_the_papers(whole: Whole) -> None:
    text = whole.order.parts.results.read_text("utf-8").split("## Table 2")[0]
    rows = [
        [word.strip() for word in line.strip().strip("|").split("|")]
        for line in text.splitlines()
        if line.startswith("|") and "---" not in line
    ]
    cells = {column[0]: column[1:] for column in zip(*rows, strict=True)}
    ours, paper = cells["DAug channels + hybrid loss"], cells["DAug [paper]"]
    gap = cells["DAug channels + hybrid loss minus DAug [paper]"]
    told = [i for i, word in enumerate(gap[:14]) if word != "–"]
    assert told
    for i in told:
        difference = float(gap[i].replace("−", "-"))
        assert difference == pytest.approx(float(ours[i]) - float(paper[i]), abs=0.0101)
    assert all(ours[i] in ("–", "n too small") for i in set(range(14)) - set(told))


def test_the_same_command_again_finds_everything_done(whole: Whole) -> None:
    files = ("diffusion/run.json", "maps", "bundle/bundle.json", "results.md", "state/tune.json")
    before = whole.when(*files)
    assert done_now(train_all(whole.order, draw_panel)) == []
    assert whole.when(*files) == before


def test_another_manifest_preset_or_seed_is_refused_and_nothing_is_touched(
    whole: Whole, tmp_path: Path
) -> None:
    before = whole.when("plan.json", "state/data.json", "data/manifest.csv")
    changed = Path(shutil.copytree(whole.order.manifest.parent, tmp_path / "data"))
    manifest = changed / "manifest.csv"
    manifest.write_text(manifest.read_text("utf-8").replace("lungs are clear", "lungs are dark"))
    for other, said in (
        (replace(whole.order, manifest=manifest), r"manifest manifest.csv \w{12}, now"),
        (replace(whole.order, preset="cpu"), "preset tiny, now cpu"),
        (replace(whole.order, seed=1), "seed 0, now 1"),
        (replace(whole.order, clip_seeds=(0, 1)), "clip seeds 0, now 0, 1"),
    ):
        with pytest.raises(TrainingError, match=said):
            train_all(other, draw_panel)
    assert whole.when("plan.json", "state/data.json", "data/manifest.csv") == before


def test_a_damaged_table_is_made_again_and_nothing_that_it_was_not_made_for(
    whole: Whole, tmp_path: Path
) -> None:
    order = replace(
        whole.order,
        folder=Path(shutil.copytree(whole.order.folder, tmp_path / "out", symlinks=True)),
    )
    wanted = (order.parts.tables / "classifier.json").read_bytes()
    (order.parts.tables / "classifier.json").write_text("{}")
    assert done_now(train_all(order, draw_panel)) == ["classifier-table"]
    assert (order.parts.tables / "classifier.json").read_bytes() == wanted


def test_damaged_weights_come_back_from_their_checkpoint(whole: Whole, tmp_path: Path) -> None:
    """A byte of the trained denoiser is flipped: it is written anew, and nothing is trained."""
    order = replace(
        whole.order,
        folder=Path(shutil.copytree(whole.order.folder, tmp_path / "out", symlinks=True)),
    )
    (weights,) = (order.parts.diffusion / "weights").rglob("*.safetensors")
    good = bytearray(weights.read_bytes())
    weights.write_bytes(bytes([*good[:-1], good[-1] ^ 1]))
    log = (order.parts.diffusion / "log.jsonl").read_bytes()
    assert done_now(train_all(order, draw_panel)) == ["diffusion"]
    assert weights.read_bytes() == good
    assert (order.parts.diffusion / "log.jsonl").read_bytes() == log


def test_the_disk_is_reckoned_near_to_what_is_taken(whole: Whole) -> None:
    rows = read_manifest(whole.order.parts.manifest)
    reckoned = sum(bytes_of_stages(whole.order, rows).values())
    files = [path for path in whole.order.folder.rglob("*") if path.is_file()]
    taken = sum(path.stat().st_size for path in files if not path.is_symlink())
    pictures = sum(path.stat().st_size for path in files if path.suffix == ".png")
    # A training of a few steps writes one checkpoint; a long one has two, and a third on its way.
    counts = parameters("tiny")
    never_written = 2 * TRAINED_BYTES * (counts.denoiser + counts.classifier + 3 * counts.clip)
    assert reckoned - never_written == pytest.approx(taken - pictures, rel=0.2)
    (weights,) = (whole.order.parts.diffusion / "weights").rglob("*.safetensors")
    assert weights.stat().st_size == pytest.approx(4 * counts.denoiser, rel=0.05)


def test_a_disk_that_is_too_small_is_told_before_anything_is_written(
    whole: Whole, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("trainers.reproduction.space.free_bytes", lambda _: 1000)
    with pytest.raises(TrainingError, match=r"will need about \d.*GiB more"):
        train_all(replace(whole.order, folder=tmp_path / "out"), draw_panel)
    assert not (tmp_path / "out").exists()
    assert GIB == 1024**3


def test_a_folder_with_other_things_is_not_filled(whole: Whole, tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("mine")
    with pytest.raises(TrainingError, match=r"holds other things \(thesis.txt\)"):
        train_all(replace(whole.order, folder=tmp_path), draw_panel)


def test_a_split_that_is_missing_is_told_before_anything_is_written(
    whole: Whole, tmp_path: Path
) -> None:
    folder = tmp_path / "data"
    shutil.copytree(whole.order.manifest.parent, folder)
    manifest = folder / "manifest.csv"
    lines = manifest.read_text("utf-8").replace(",val,", ",test,")
    manifest.write_text(lines, encoding="utf-8")
    with pytest.raises(ManifestError, match="split val holds no frontal radiograph"):
        train_all(replace(whole.order, manifest=manifest, folder=tmp_path / "out"), draw_panel)
    assert not (tmp_path / "out").exists()


def test_a_dry_run_tells_what_is_to_be_done_and_writes_nothing(
    whole: Whole,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    words = ["train", "all", "--manifest", str(whole.order.manifest), "--preset", "tiny"]
    words += ["--sources", "mimic"]
    with pytest.raises(SystemExit) as end:
        app.main([*words, "-o", str(tmp_path / "out"), "--dry-run", "--json"])
    assert not end.value.code
    found = json.loads(capsys.readouterr().out)
    assert [step["stage"] for step in found["stages"]] == list(STAGES)
    assert {step["why"] for step in found["stages"]} == {"not made yet"}
    seconds = {step["stage"]: step["seconds"] for step in found["stages"]}
    for stage in ("diffusion", "classifier", "tune", "maps", "clip"):
        assert seconds[stage] > 0
    assert found["radiographs"] == radiographs(whole)
    assert found["seconds"] > 0
    assert found["disk_bytes"] > 0
    assert not (tmp_path / "out").exists()
    pace = Pace(1.0, 1 << 20)
    speed = Speed("a test", pace, pace, pace, denoise=1.0, guide=1.0, opening=1.0)
    monkeypatch.setattr(estimates, "measure_speed", lambda *_: speed)
    with pytest.raises(SystemExit) as end:
        app.main([*words, "-o", str(whole.order.folder), "--dry-run"])
    assert not end.value.code
    told = capsys.readouterr().out
    assert told.count("done before") == len(STAGES)
    assert "Time: about 0 s" in told
    assert "Warning: mimic: PhysioNet" in told


def test_a_collection_whose_weights_may_not_be_passed_on_has_to_be_named(
    whole: Whole, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["train", "all", "--manifest", str(whole.order.manifest), "--preset", "tiny"]
    with pytest.raises(SystemExit) as end:
        app.main([*words, "-o", str(tmp_path / "out"), "--dry-run"])
    assert end.value.code == 1
    assert "--sources mimic, and keep the weights to yourself" in capsys.readouterr().err


def test_senseless_words_are_a_usage_error(
    whole: Whole, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["train", "all", "--manifest", str(whole.order.manifest), "-o", str(tmp_path / "out")]
    for wrong in (
        ["--preset", "huge"],
        ["--blanks", "maybe"],
        ["--clip-seeds", "0,0"],
        ["--clip-seeds", "a"],
        ["--clip-seeds", ""],
    ):
        with pytest.raises(SystemExit) as end:
            app.main([*words, *wrong])
        assert end.value.code == 2
        assert "Traceback" not in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_the_segmenter_of_another_bundle_ends_in_the_finished_one_and_confines_its_maps(
    whole: Whole, tmp_path: Path, tiny_bundle: Bundle, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The networks that draw are the same; from the recipe on everything is made anew.

    The maps are compared with the radiograph here, as in preset paper.
    """
    as_paper = replace(SIZES["tiny"], reference=Reference.INPUT)
    monkeypatch.setattr(sizes, "SIZES", {**SIZES, "tiny": as_paper})
    other = bundle_with_segmenter(tiny_bundle, tmp_path / "other")
    order = replace(whole.order, folder=tmp_path / "out", anatomy=other.folder)
    for part in ("data", "built"):
        shutil.copytree(whole.order.folder / part, order.folder / part, symlinks=True)
    sources = check_licences(("mimic",), order.sources)
    for stage in stages_of(order, sources, draw_panel):
        if stage.name in ("tune", "maps", "clip", "add-clip"):
            stage.make()
    finished, plain = read_bundle(order.parts.bundle), read_bundle(whole.order.parts.bundle)
    finished.verify_files()
    assert segmenter_digest(finished) == segmenter_digest(other)
    assert open_anatomist(finished) is not None
    assert finished.recipe.within is Region.SITE
    assert finished.recipe.reference is Reference.INPUT
    assert not plain.finds_organs
    assert plain.recipe.within is Region.PICTURE
    assert finished.digest != plain.digest


def test_the_page_warns_of_a_source_that_only_taught_and_says_what_was_read_from_reports(
    whole: Whole, tmp_path: Path
) -> None:
    order = replace(
        whole.order,
        folder=Path(shutil.copytree(whole.order.folder, tmp_path / "out", symlinks=True)),
    )
    record = state(whole, "data")
    record["found"] |= {"sources": ["chexpert", "mimic"], "labels_from_text": 7}
    (order.folder / "state" / "data.json").write_text(json.dumps(record))
    page = page_markdown(results_page(order))
    assert "chexpert: research use agreement. Keep everything" in page
    assert "They are not comparable with ours" in page
    assert "7 labels were read from reports by a program. They taught nothing, but" in page
    taught = page_markdown(results_page(replace(order, text_labels=True)))
    assert "7 labels were read from reports by a program. They taught, and they" in taught
    assert "read from reports by a program" not in whole.order.parts.results.read_text("utf-8")
