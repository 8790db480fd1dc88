import csv
import json
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from filelock import FileLock
from hypothesis import given
from hypothesis import strategies as st

from app import main
from daug.bundle import Bundle
from daug.errors import ManifestError, TrainingError
from tests.trainers.rows import row
from tests.trainers.study import write_study
from trainers.clip_run import ids_digest, only_ids
from trainers.evaluation.ablation import evaluate_ablation
from trainers.evaluation.ablation_runs import (
    ABLATION_ROWS,
    DAUG_CLIP,
    DAUG_HYBRID,
    PLAIN_CLIP,
    AblationRequest,
    prepare_subset,
    settle_steps,
    train_all,
)
from trainers.evaluation.subset import choose_subset
from trainers.heat_run import AugmentRequest, augment
from trainers.manifest import Row

SEEDS = (0, 1)


def rows_of(counts: dict[str, tuple[int, int]]) -> list[Row]:
    """For each source, so many rows with a report and so many without."""
    return [
        replace(
            row(f"{source}{i:03}", source=source, split="train"),
            report="Clear lungs." if i < reported else "",
        )
        for source, (reported, others) in counts.items()
        for i in range(reported + others)
    ]


COUNTS = st.dictionaries(
    st.sampled_from(["a", "b", "c", "d"]),
    st.tuples(st.integers(0, 5), st.integers(0, 40)),
    min_size=1,
)


@given(counts=COUNTS, size=st.integers(20, 120), data=st.data())
def test_a_subset_has_every_report_and_takes_the_sources_in_turn(
    counts: dict[str, tuple[int, int]], size: int, data: st.DataObject
) -> None:
    rows = rows_of(counts)
    subset = choose_subset(rows, size)
    assert len(subset.ids) == len(subset.rows) == min(size, len(rows))
    assert {r.id for r in subset.reported} == {r.id for r in rows if r.report}
    taken = {source: sum(r.source == source for r in subset.others) for source in counts}
    left = [source for source, (_, others) in counts.items() if taken[source] < others]
    most = max(taken.values())
    assert all(taken[source] >= most - 1 for source in left)  # the others have no more to give
    mixed = data.draw(st.permutations(rows))
    assert choose_subset(mixed, size).ids == subset.ids


def test_a_larger_subset_holds_the_smaller_and_mixes_what_it_takes() -> None:
    rows = rows_of({"a": (0, 300), "b": (0, 300)})
    small, large = choose_subset(rows, 100), choose_subset(rows, 200)
    assert small.ids < large.ids
    assert {r.id for r in small.rows if r.source == "a"} != {f"a{i:03}" for i in range(50)}


def test_more_reports_than_the_subset_may_hold_are_refused() -> None:
    with pytest.raises(ManifestError, match="larger subset"):
        choose_subset(rows_of({"a": (5, 0)}), 4)


def test_only_the_named_radiographs_are_learnt_from_and_all_must_be_there() -> None:
    rows = rows_of({"a": (0, 3)})
    assert [r.id for r in only_ids(rows, frozenset({"a002", "a000"}))] == ["a000", "a002"]
    assert only_ids(rows, frozenset()) == rows
    with pytest.raises(TrainingError, match="1 of 2 radiographs to learn from are not"):
        only_ids(rows, frozenset({"a000", "b"}))


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory, tiny_bundle: Bundle) -> AblationRequest:
    """What is asked; every map is drawn."""
    folder = tmp_path_factory.mktemp("ablation")
    manifest = write_study(folder)
    augment(AugmentRequest(manifest, folder / "maps", tiny_bundle.folder))
    return AblationRequest(
        manifest=manifest,
        maps=folder / "maps",
        folder=folder / "out",
        bundle=tiny_bundle.folder,
        seeds=SEEDS,
        steps=3,
        preset="tiny",
        size=45,
        draws=50,
    )


@pytest.fixture(scope="module")
def found(study: AblationRequest) -> dict[str, Any]:
    return evaluate_ablation(study)


def read(folder: Path, name: str = "run.json") -> dict[str, Any]:
    values: dict[str, Any] = json.loads((folder / name).read_text("utf-8"))
    return values


def test_the_rows_differ_in_channels_and_loss_and_in_nothing_else(
    study: AblationRequest, found: dict[str, Any]
) -> None:
    runs = {(r, s): read(study.run_folder(r, s)) for r in ABLATION_ROWS for s in SEEDS}
    kinds = {r: {runs[r, s]["channels"]["kind"] for s in SEEDS} for r in ABLATION_ROWS}
    assert kinds == {PLAIN_CLIP: {"plain"}, DAUG_CLIP: {"paper"}, DAUG_HYBRID: {"paper"}}
    weights = {r: runs[r, 0]["settings"]["weight"] for r in ABLATION_ROWS}
    assert weights == {PLAIN_CLIP: 1.0, DAUG_CLIP: 1.0, DAUG_HYBRID: 0.7}
    for run in runs.values():
        run["settings"].pop("weight")
        run.pop("channels"), run.pop("minutes")
    for seed in SEEDS:
        of_seed = [runs[r, seed] for r in ABLATION_ROWS]
        assert of_seed[0] == of_seed[1] == of_seed[2]
        assert of_seed[0]["loop"]["seed"] == seed
        assert of_seed[0]["steps"] == 3


def test_all_learn_from_the_listed_radiographs_of_the_training_split(
    study: AblationRequest, found: dict[str, Any]
) -> None:
    with (study.folder / "subset.csv").open(newline="", encoding="utf-8") as file:
        listed = list(csv.DictReader(file))
    assert len(listed) == 45
    assert {line["split"] for line in listed} == {"train"}
    assert sum(line["chosen_for"] == "report" for line in listed) == 13
    digest = ids_digest(frozenset(line["id"] for line in listed))
    run = read(study.run_folder(DAUG_CLIP, 0))
    assert run["subset"] == {"ids": 45, "sha256": digest}
    assert run["radiographs"] == {"one": 45}
    assert found["subset"]["by_source"] == {"one": {"radiographs": 45, "with_report": 13}}
    pixels = list((study.folder / "cache").glob("pixels-32-*.npy"))
    assert len(pixels) == 3  # one array each for learning, watching and scoring, for all six runs


def test_a_row_is_the_mean_over_its_seeds_and_a_difference_that_of_two_rows(
    found: dict[str, Any],
) -> None:
    def plain(means: list[dict[str, Any]]) -> dict[tuple[str, str, str, str], float]:
        return {
            (m["task"], m["metric"], m["source"], m["model"]): m["plain"]["value"] for m in means
        }

    rows, differences = plain(found["means"]), plain(found["differences"]["means"])
    for entry in found["spread"]:
        key = (entry["task"], entry["metric"], entry["source"])
        of_seeds = list(entry["plain"].values())
        assert rows[*key, entry["model"]] == pytest.approx(sum(of_seeds) / len(SEEDS))
        assert len(set(of_seeds)) > 1 or entry["plain_sd"] == 0
    names = {
        "hybrid + DAug minus plain + CLIP": (DAUG_HYBRID, PLAIN_CLIP),
        "DAug channels minus plain channels, CLIP loss": (DAUG_CLIP, PLAIN_CLIP),
        "hybrid loss minus CLIP loss, DAug channels": (DAUG_HYBRID, DAUG_CLIP),
    }
    assert {key[-1] for key in differences} == set(names)
    for (task, metric, source, name), difference in differences.items():
        of, minus = names[name]
        expected = rows[task, metric, source, of.name] - rows[task, metric, source, minus.name]
        assert difference == pytest.approx(expected, abs=1e-12)


def test_the_report_names_the_baselines_the_sources_and_the_paper(
    study: AblationRequest, found: dict[str, Any]
) -> None:
    text = (study.folder / "ablation.md").read_text("utf-8")
    for part in (
        "Table 1. Report → image",
        "Table 2. Image → image",
        "Table 3. Classification, AUROC",
        "## Differences",
        "## Spread over the seeds",
        "chance",
        "pixels 32 x 32",
        "one 45 (13 with a report)",
        "3 steps of 8 radiographs",
        "those networks know",
        "not comparable",
    ):
        assert part in text
    assert {m["report_weight"] for m in found["models"]} == {1.0, 0.7}


def test_what_is_trained_is_kept_and_what_was_stopped_goes_on(
    study: AblationRequest, found: dict[str, Any], tmp_path: Path
) -> None:
    """A finished run is not touched; one without run.json ends as it would have."""
    folder = Path(shutil.copytree(study.folder, tmp_path / "out"))
    again = replace(study, folder=folder)
    stopped, finished = again.run_folder(DAUG_CLIP, 1), again.run_folder(PLAIN_CLIP, 0)
    before = read(stopped)
    (stopped / "run.json").unlink()
    for checkpoint in sorted((stopped / "checkpoints").glob("step-*"))[1:]:
        shutil.rmtree(checkpoint)
    time = (finished / "run.json").stat().st_mtime_ns
    train_all(again)
    assert (finished / "run.json").stat().st_mtime_ns == time
    after = read(stopped)
    assert {**after, "minutes": 0} == {**before, "minutes": 0}


def test_an_ablation_of_another_length_or_on_other_radiographs_is_refused(
    study: AblationRequest, found: dict[str, Any]
) -> None:
    changes = ({"steps": 4}, {"size": 40}, {"preset": "cpu"}, {"text_labels": True})
    for other in (replace(study, **change) for change in changes):
        with pytest.raises(TrainingError, match="other settings"):
            train_all(other)
    assert train_all(replace(study, steps=None)).rows  # the length is known


def test_a_finished_run_of_something_else_is_not_taken_for_one_of_these(
    study: AblationRequest, found: dict[str, Any], tmp_path: Path
) -> None:
    folder = Path(shutil.copytree(study.folder, tmp_path / "out"))
    again = replace(study, folder=folder)
    shutil.rmtree(again.run_folder(DAUG_HYBRID, 0))
    shutil.copytree(again.run_folder(DAUG_CLIP, 0), again.run_folder(DAUG_HYBRID, 0))
    with pytest.raises(TrainingError, match="finished run with other settings"):
        train_all(again)


def test_a_run_that_reports_taught_is_not_taken_for_one_that_they_did_not(
    study: AblationRequest, found: dict[str, Any], tmp_path: Path
) -> None:
    folder = Path(shutil.copytree(study.folder, tmp_path / "out"))
    about = folder / "runs" / f"{PLAIN_CLIP.slug}-0" / "run.json"
    about.write_text(json.dumps({**read(about.parent), "text_labels": True}), encoding="utf-8")
    with pytest.raises(TrainingError, match="finished run with other settings"):
        train_all(replace(study, folder=folder))


def test_a_run_that_another_process_trains_is_left_to_it(
    study: AblationRequest, found: dict[str, Any]
) -> None:
    held = FileLock(study.run_folder(PLAIN_CLIP, 1).with_suffix(".lock"))
    with held, pytest.raises(TrainingError, match="plain-clip-1: still being trained"):
        train_all(study)
    assert train_all(study).rows


def test_minutes_become_steps_once_and_the_same_for_every_row(
    study: AblationRequest, tmp_path: Path
) -> None:
    asked = replace(study, folder=tmp_path, steps=None, budget_minutes=0.02)
    subset = prepare_subset(asked)
    steps = settle_steps(asked, subset)
    assert steps >= 1
    assert read(tmp_path, "plan.json")["steps"] == steps
    assert settle_steps(replace(asked, budget_minutes=60.0), subset) == steps


def test_the_command_trains_or_scores_and_refuses_senseless_words(
    study: AblationRequest,
    found: dict[str, Any],
    capsys: pytest.CaptureFixture[str],
) -> None:
    words = ["evaluate", "ablation", "--manifest", str(study.manifest), "--maps", str(study.maps)]
    words += ["-o", str(study.folder), "--bundle", str(study.bundle), "--preset", "tiny"]
    words += ["--size", "45"]
    with pytest.raises(SystemExit) as end:
        main([*words, "--seeds", "0,1", "--steps", "3", "--train-only", "--json"])
    assert not end.value.code
    assert set(json.loads(capsys.readouterr().out)) == {"runs", "subset"}
    for wrong in (
        ["--seeds", "0,x"],
        ["--seeds", "0,0"],
        ["--seeds", "0,-1"],
        ["--steps", "3", "--budget-minutes", "1"],
    ):
        with pytest.raises(SystemExit) as end:
            main([*words, *wrong])
        assert end.value.code == 2
        assert "Traceback" not in capsys.readouterr().err
