"""What a reproduction rests on: which stage is done, what labels entail, what licences allow."""

from collections.abc import Callable, Mapping
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from daug.errors import ManifestError, TrainingError
from daug.findings import Finding
from daug.heatmap import Encoder, Reference
from tests.trainers.rows import row, write_manifest
from trainers.adapters.label_words import DISEASES
from trainers.bundle_build import FIRST_RECIPE
from trainers.evaluation.ablation_runs import DAUG_HYBRID
from trainers.evaluation.finding_rows import Task
from trainers.problem import LoopSettings
from trainers.reproduction.compared import compared_section
from trainers.reproduction.estimates import (
    amount,
    duration,
    map_seconds,
    stage_costs,
    training_seconds,
)
from trainers.reproduction.labels import (
    Blanks,
    absent_blanks,
    fill_blanks,
    frontal_rows,
    is_frontal,
)
from trainers.reproduction.licences import check_licences
from trainers.reproduction.order import Order
from trainers.reproduction.page import Page, Section, Table, page_html, page_markdown
from trainers.reproduction.sizes import find_size
from trainers.reproduction.space import bytes_of_stages, bytes_to_come
from trainers.reproduction.speed import Speed
from trainers.reproduction.stage import Stage
from trainers.reproduction.state import State
from trainers.reproduction.table_stages import ablation_request
from trainers.reproduction.timing import Pace
from trainers.sources import SOURCES, MayTrain, Source

LABELS = st.dictionaries(st.sampled_from(list(Finding)), st.sampled_from([1, 0, -1]))


def chain(folder: Path, made: list[str], text: Mapping[str, str]) -> list[Stage]:
    """Three stages that copy the one before; each writes its own text behind it."""

    def maker(name: str, before: str | None) -> Callable[[], Mapping[str, Any]]:
        def make() -> Mapping[str, Any]:
            made.append(name)
            earlier = (folder / f"{before}.txt").read_text() if before else ""
            (folder / f"{name}.txt").write_text(earlier + text[name])
            return {"length": len(text[name])}

        return make

    before = {"a": None, "b": "a", "c": "b"}
    return [
        Stage(
            *(name, name, (folder / f"{name}.txt",), maker(name, need), {"text": text[name]}),
            *((need,) if need else (),),
        )
        for name, need in before.items()
    ]


def do(folder: Path, made: list[str], text: Mapping[str, str]) -> list[str]:
    """Make what is not done and return its names."""
    made.clear()
    state = State(folder)
    for stage in chain(folder, made, text):
        if state.why_not_done(stage) is not None:
            state.make_room(stage)
            state.keep(stage, stage.make(), 0.0)
    return list(made)


TEXT = {"a": "one ", "b": "two ", "c": "three"}


def test_a_stage_is_made_again_if_and_only_if_something_that_it_was_made_of_differs(
    tmp_path: Path,
) -> None:
    made: list[str] = []
    assert do(tmp_path, made, TEXT) == ["a", "b", "c"]
    assert do(tmp_path, made, TEXT) == []
    assert do(tmp_path, made, {**TEXT, "b": "2 "}) == ["b", "c"]
    assert (tmp_path / "c.txt").read_text() == "one 2 three"
    (tmp_path / "c.txt").unlink()
    assert do(tmp_path, made, {**TEXT, "b": "2 "}) == ["c"]
    (tmp_path / "a.txt").write_text("bad")
    assert do(tmp_path, made, {**TEXT, "b": "2 "}) == ["a"]  # it came out as it was
    assert do(tmp_path, made, {**TEXT, "b": "2 "}) == []


def test_what_is_out_of_date_is_put_aside_and_not_lost(tmp_path: Path) -> None:
    made: list[str] = []
    do(tmp_path, made, TEXT)
    do(tmp_path, made, {**TEXT, "a": "1 "})
    do(tmp_path, made, {**TEXT, "a": "I "})
    aside = tmp_path / "outdated"
    assert (aside / "a-1" / "a.txt").read_text() == "one "
    assert (aside / "c-1" / "c.txt").read_text() == "one two three"
    assert (aside / "c-2" / "c.txt").read_text() == "1 two three"


def test_a_stage_that_was_cut_off_is_not_taken_for_done(tmp_path: Path) -> None:
    """Its file is there, but nothing says that it is whole."""
    made: list[str] = []
    stages = chain(tmp_path, made, TEXT)
    (tmp_path / "a.txt").write_text("on")
    assert State(tmp_path).why_not_done(stages[0]) == "not made yet"
    assert do(tmp_path, made, TEXT) == ["a", "b", "c"]
    assert (tmp_path / "c.txt").read_text() == "one two three"


def test_a_stage_that_leaves_nothing_behind_is_no_success(tmp_path: Path) -> None:
    stage = replace(chain(tmp_path, [], TEXT)[0], make=dict)
    with pytest.raises(TrainingError, match="ended without writing"):
        State(tmp_path).keep(stage, stage.make(), 0.0)


def test_files_that_are_too_many_to_read_are_known_by_name_and_length(tmp_path: Path) -> None:
    folder = tmp_path / "maps"
    folder.mkdir()
    (folder / "one").write_text("abc")
    stage = Stage("maps", "", (folder,), dict, work=(folder,), many_files=True)
    state = State(tmp_path)
    state.keep(stage, {}, 0.0)
    assert state.why_not_done(stage) is None
    (folder / "one").unlink()
    assert state.why_not_done(stage) is not None
    state.make_room(stage)
    assert folder.exists()  # it can go on there


def test_work_that_was_cut_off_is_not_gone_on_with_once_it_is_made_of_something_else(
    tmp_path: Path,
) -> None:
    """Half a training on other maps would be taken for the beginning of this one."""
    made: list[str] = []
    do(tmp_path, made, TEXT)
    state, work = State(tmp_path), tmp_path / "work"
    training = Stage("d", "", (work / "end",), dict, needs=("c",), work=(work,))
    state.make_room(training)
    work.mkdir()
    (work / "half").write_text("of three")
    state.make_room(training)
    assert (work / "half").exists()  # nothing has changed: it goes on there
    do(tmp_path, made, {**TEXT, "c": "four"})
    state.make_room(training)
    assert not work.exists()
    assert (tmp_path / "outdated" / "d-1" / "work" / "half").read_text() == "of three"


def test_a_folder_is_held_to_its_plan_as_soon_as_something_is_done(tmp_path: Path) -> None:
    """An order that was refused on the way can be put right, as long as nothing was made of it."""
    state = State(tmp_path)
    state.keep_plan({"weights": "lost.pt"})
    (stage, *_) = chain(tmp_path, [], TEXT)
    state.make_room(stage)  # begun, and then it failed
    state.check_plan({"weights": "found.pt"})
    state.keep_plan({"weights": "found.pt"})
    do(tmp_path, [], TEXT)
    state.check_plan({"weights": "found.pt"})
    with pytest.raises(TrainingError, match=r"weights found\.pt, now lost\.pt"):
        state.check_plan({"weights": "lost.pt"})


def test_a_plan_that_cannot_be_read_can_be_removed_as_the_message_says(tmp_path: Path) -> None:
    state = State(tmp_path)
    do(tmp_path, [], TEXT)
    state.keep_plan({"seed": 0})
    (tmp_path / "plan.json").write_text("{")
    with pytest.raises(TrainingError, match="Remove it, and run this again"):
        state.check_plan({"seed": 0})
    (tmp_path / "plan.json").unlink()
    state.check_plan({"seed": 0})


@given(labels=LABELS, blanks=st.sampled_from(Blanks))
def test_a_label_that_is_given_is_never_changed_and_filling_twice_is_filling_once(
    labels: dict[Finding, int], blanks: Blanks
) -> None:
    line = {finding.value: str(label) for finding, label in labels.items()} | {"assumed": ""}
    once = fill_blanks(line, blanks)
    assert all(once[finding] == str(label) for finding, label in labels.items())
    filled = {finding for finding in Finding if once.get(finding) and finding not in labels}
    assert all(once[finding] == "0" for finding in filled)
    assert set(filter(None, once["assumed"].split("|"))) == filled
    again = {f: int(once[f]) for f in Finding if once.get(f)}
    assert absent_blanks(again, blanks) == []


@given(labels=LABELS)
def test_no_finding_is_absent_where_there_is_a_pathology_and_all_are_absent_where_it_is_present(
    labels: dict[Finding, int],
) -> None:
    filled = set(absent_blanks(labels, Blanks.UNKNOWN))
    assert Finding.SUPPORT_DEVICES not in filled  # no pathology, so No Finding says nothing of it
    if labels.get(Finding.NO_FINDING) == 1:
        assert filled == set(DISEASES) - labels.keys()
    elif any(labels.get(finding) == 1 for finding in DISEASES):
        assert filled == {Finding.NO_FINDING} - labels.keys()
    else:
        assert filled == set()


def test_what_follows_from_labels_read_from_a_report_counts_as_read_there() -> None:
    line = {"Edema": "1", "assumed": "", "text_derived": "Edema"}
    assert fill_blanks(line, Blanks.UNKNOWN)["text_derived"] == "Edema|No Finding"
    line["text_derived"] = ""
    assert fill_blanks(line, Blanks.UNKNOWN)["text_derived"] == ""


def test_blanks_are_absent_only_if_asked_and_never_where_nothing_is_labelled() -> None:
    labels = {Finding.EDEMA: 1, Finding.FRACTURE: -1}
    assert absent_blanks({}, Blanks.ABSENT) == []
    assert set(absent_blanks(labels, Blanks.ABSENT)) == set(Finding) - labels.keys()
    assert absent_blanks(labels, Blanks.UNKNOWN) == [Finding.NO_FINDING]
    assert absent_blanks({Finding.SUPPORT_DEVICES: 1}, Blanks.UNKNOWN) == []


@pytest.mark.parametrize(
    ("view", "frontal"),
    [(view, True) for view in ("PA", "AP", "ap-horizontal", "AP_supine", "", "AP LLD", "Frontal")]
    + [(view, False) for view in ("LATERAL", "LL", "L", "LAO", "SWIMMERS", "XTABLE LATERAL")]
    + [(view, False) for view in ("Apical lordotic", "part of a lateral", "?")],
)
def test_a_view_is_frontal_if_its_name_says_so_or_says_nothing(view: str, frontal: bool) -> None:
    assert is_frontal(view) is frontal
    kept = frontal_rows([replace(row(), view=view)], ["one"], Blanks.UNKNOWN)
    assert len(kept) == frontal


def test_a_source_that_may_not_be_passed_on_has_to_be_named(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    closed = Source("closed", MayTrain.RECOGNISE, "data use agreement", "somebody")
    monkeypatch.setitem(SOURCES, "closed", closed)
    with pytest.raises(ManifestError, match=r"closed .*--sources closed,nih"):
        check_licences(["nih", "closed"], ())
    named = check_licences(["nih", "closed"], ("closed",))
    assert named.sources == ("closed",)
    assert "data use agreement. Keep everything" in named.warnings[0]
    assert check_licences(["nih", "nih"], ()).warnings == ()
    assert "its licence is not known here" in check_licences(["mine"], ()).warnings[0]
    with pytest.raises(ManifestError, match="lost is no source of the manifest"):
        check_licences(["nih"], ("lost",))


def test_a_training_ends_at_its_last_step_or_minute_whichever_is_first() -> None:
    pace = Pace(seconds=2.0, memory=0)
    assert training_seconds(pace, LoopSettings(steps=10)) == 20
    assert training_seconds(pace, LoopSettings(budget_minutes=1)) == 60
    assert training_seconds(pace, LoopSettings(steps=10, budget_minutes=1)) == 20
    assert training_seconds(pace, LoopSettings(steps=100, budget_minutes=1)) == 60


def test_times_and_sizes_are_told_in_units_that_a_person_uses() -> None:
    seconds = (40, 300, 9000, 400_000)
    assert [duration(s) for s in seconds] == ["40 s", "5 min", "2.5 h", "4.6 days"]
    assert [amount(n) for n in (5 << 20, 3 << 30)] == ["5 MiB", "3.0 GiB"]


def test_a_page_is_text_wherever_it_is_shown() -> None:
    page = Page(
        "A <b>page</b>",
        ["1 < 2"],
        [Section("One | two", ["<script>"], [Table(("a|b",), [("c<d",)])], ["x.png"], ["last"])],
    )
    html = page_html(page)
    assert "<script>" not in html
    assert "<b>page" not in html
    assert "<td>c&lt;d</td>" in html
    text = page_markdown(page)
    assert "| a\\|b |" in text
    assert "![One \\| two](x.png)" in text
    assert text.endswith("- last\n")


def order_of(preset: str, **more: Any) -> Order:
    return Order(Path("manifest.csv"), Path("out"), preset=preset, **more)


def speed_of(denoise: float = 0, guide: float = 0, opening: float = 0) -> Speed:
    pace = Pace(0.0, 0)
    return Speed("a test", pace, pace, pace, denoise, guide, opening)


def test_every_radiograph_is_reckoned_to_be_opened_as_often_as_it_is() -> None:
    """For the cache, for the recipe search, for its map, and to find the map again."""
    costs = stage_costs(order_of("tiny"), [row()] * 10, speed_of(opening=1.0))
    opened = {name: cost.seconds for name, cost in costs.items() if cost.seconds}
    assert opened == {"data": 10, "tune": 10, "maps": 10, "clip": 10}


@pytest.mark.parametrize(("anatomy", "rows"), [(None, 1), (Path("bundle"), 2)])
def test_a_map_that_keeps_to_a_site_costs_its_control_as_well(
    anatomy: Path | None, rows: int
) -> None:
    """Preset paper compares with the radiograph, so that an unconfined map needs no control."""
    order = order_of("paper", anatomy=anatomy)
    maps = stage_costs(order, [row()] * 10, speed_of(denoise=1.0))["maps"]
    assert maps.seconds == 10 * rows * FIRST_RECIPE.num_steps
    guided = stage_costs(order, [row()] * 10, speed_of(guide=1.0))["maps"]
    assert guided.seconds == 10 * FIRST_RECIPE.num_steps


def test_ddim_asks_the_denoiser_on_the_way_up_too() -> None:
    tiny = find_size("tiny")  # DDIM, beside a control
    one = speed_of(denoise=1.0, guide=100.0)
    assert map_seconds(tiny, one, 5, 3, control=True) == 5 * (1 + 3 + 1 + 300)
    assert map_seconds(find_size("paper"), one, 5, 3, control=False) == 5 * (3 + 300)


def test_every_row_is_reckoned_to_be_trained_once_for_every_seed() -> None:
    speed = replace(speed_of(), clip=Pace(2.0, 0))
    steps = find_size("tiny").clip.loop.steps
    assert steps is not None
    for seeds in ((0,), (0, 1, 2)):
        clip = stage_costs(order_of("tiny", clip_seeds=seeds), [], speed)["clip"]
        assert clip.seconds == len(seeds) * 3 * steps * 2.0


def test_what_is_there_need_not_be_written_again_but_what_was_put_aside_is_no_part_of_it(
    tmp_path: Path,
) -> None:
    order = replace(order_of("tiny"), folder=tmp_path)
    every = bytes_to_come(order, [row()])
    assert every == sum(bytes_of_stages(order, [row()]).values())
    (tmp_path / "maps" / "ab").mkdir(parents=True)
    (tmp_path / "maps" / "ab" / "one").write_bytes(bytes(1000))
    (tmp_path / "log.txt").write_bytes(bytes(10))
    assert bytes_to_come(order, [row()]) == every - 1010
    (tmp_path / "outdated").mkdir()
    (tmp_path / "maps").rename(tmp_path / "outdated" / "maps-1")
    assert bytes_to_come(order, [row()]) == every - 10


def test_disk_grows_with_radiographs_and_seeds() -> None:
    def stage(name: str, order: Order, n: int) -> int:
        return bytes_of_stages(order, [row(split="train")] * n)[name]

    one, two = order_of("paper"), order_of("paper", clip_seeds=(0, 1))
    each = (stage("maps", one, 2000) - stage("maps", one, 1000)) / 1000
    assert each == pytest.approx(2 * 256**2, rel=0.05)  # one map of 256 px in 16 bits
    runs = [stage("clip", order, 0) for order in (one, two)]
    assert runs[1] == 2 * runs[0]
    # ViT-B/32 has 151 million parameters; see Radford et al. 2021.
    assert runs[0] / 3 / 151e6 == pytest.approx(3 * 16 + 4, rel=0.02)


def by_column(table: Table) -> dict[str, dict[str, str]]:
    """Return the cells of each column by the first word of their lines."""
    return {
        name: {line[0]: line[number] for line in table.lines}
        for number, name in enumerate(table.head)
    }


def test_a_pool_of_several_sources_is_called_one() -> None:
    figures = {"auroc": {"value": 0.8}, "enough": True, "finding": "Edema", "model": "m"}
    counts = {"positives": 30, "negatives": 40, "task": "classification"}
    for images, source, pooled in (({"a": 1}, "a", False), ({"a": 1, "b": 1}, "all", True)):
        entry = {**figures, **counts, "source": source}
        section = compared_section(
            Task.CLASSIFICATION, {"images": images, "rows": [entry], "means": []}
        )
        assert any("all sources" in sentence for sentence in section.sentences) is pooled
        assert by_column(section.tables[0])["m"]["Edema"] == "0.80"


def test_a_difference_on_the_page_is_ours_minus_the_papers_where_there_are_enough_cases() -> None:
    entry = {"task": "classification", "source": "a", "model": DAUG_HYBRID.name}
    counts = {"positives": 30, "negatives": 40, "enough": True}
    rows = [
        {**entry, **counts, "finding": "Edema", "auroc": {"value": 0.95}},
        {**entry, **counts, "finding": "Fracture", "auroc": {"value": 0.80}},
        {**entry, **counts, "finding": "Pneumonia", "enough": False, "auroc": {"value": 0.99}},
    ]
    section = compared_section(Task.CLASSIFICATION, {"images": {"a": 1}, "rows": rows, "means": []})
    lines = by_column(section.tables[0])
    gap = lines["DAug channels + hybrid loss minus DAug [paper]"]
    # The paper has 0.89 and 0.84.
    assert (gap["Edema"], gap["Fracture"], gap["Pneumonia"]) == ("+0.06", "−0.04", "–")
    assert gap["plain mean"] == "+0.01"
    assert lines[DAUG_HYBRID.name]["Pneumonia"] == "n too small"


def test_everything_that_is_asked_for_is_held_to_but_where_it_is_put(tmp_path: Path) -> None:
    manifest = write_manifest(tmp_path / "manifest.csv", [{"id": "a"}])
    other = write_manifest(tmp_path / "other.csv", [{"id": "b"}])
    order = Order(manifest, tmp_path / "out")
    changes: dict[str, Any] = {
        "manifest": other,
        "preset": "tiny",
        "sources": ("one",),
        "blanks": Blanks.ABSENT,
        "seed": 1,
        "clip_seeds": (0, 1),
        "text_labels": True,
        "weights": "openai",
    }
    assert changes.keys() == {f.name for f in fields(Order)} - {"folder", "anatomy"}
    for name, value in changes.items():
        assert replace(order, **{name: value}).settings() != order.settings(), name
    assert replace(order, folder=tmp_path / "moved").settings() == order.settings()


def test_preset_paper_trains_clip_as_printed(tmp_path: Path) -> None:
    """Jin et al. 2024, section 4: batches of 256, 2e-5, w = 0.7, reports alone."""
    order = replace(order_of("paper", clip_seeds=(3, 4)), folder=tmp_path)
    order.parts.manifest.parent.mkdir()
    lines = [{"id": f"{split}{n}", "split": split} for split in ("train", "test") for n in range(3)]
    write_manifest(order.parts.manifest, lines)
    request = ablation_request(order, ("one",))
    assert (request.batch_size, request.steps, request.templates) == (256, 10_000, False)
    assert request.seeds == (3, 4)
    assert request.size == 3  # all of the training split
    assert find_size("paper").clip.loop.learning_rate == 2e-5
    assert find_size("paper").clip.weight == 0.7
    space, reference = find_size("paper").space, find_size("paper").reference
    assert (space.noise_levels, space.encoders) == ((500,), (Encoder.GAUSSIAN,))
    assert reference is Reference.INPUT


def test_a_file_that_changed_without_changing_its_length_is_noticed(tmp_path: Path) -> None:
    do(tmp_path, [], TEXT)
    (tmp_path / "b.txt").write_text("one owt ")
    assert do(tmp_path, [], TEXT) == ["b"]


def test_maps_that_are_drawn_in_fewer_steps_are_reckoned_so() -> None:
    """Preset cpu draws the channels' maps in 10 steps, DDIM's way up and a control beside each."""
    maps = stage_costs(order_of("cpu"), [row()], speed_of(denoise=1.0))["maps"]
    assert maps.seconds == 10 * 3
