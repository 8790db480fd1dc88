import json
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from app import main
from daug.augmented import AugmentedRadiograph, ChannelKind, ChannelPlan
from daug.bundle import Bundle, read_bundle
from daug.bundled_models import load_models
from daug.clip_files import save_clip
from daug.embedder import Embedder, open_embedder
from daug.errors import BundleError, TrainingError
from daug.findings import Finding
from daug.loading import load_radiograph
from tests.daug.clips import tiny_clip, tiny_tokenizer
from tests.trainers.rows import row, write_image, write_manifest
from trainers.augmentation import AugmentationRange, draw
from trainers.clip import ClipCases, ClipProblem, ClipSettings, move
from trainers.clip_bundle import add_clip
from trainers.clip_presets import CLIP_PRESETS
from trainers.clip_run import ClipRequest, build_clip, train_clip
from trainers.heat_run import AugmentRequest, augment
from trainers.loop import Training
from trainers.problem import LoopSettings
from trainers.report_text import TextOrigin

CPU = torch.device("cpu")
STILL = AugmentationRange(0, 0, 0, 0, 0, 0)
SIZE = 32


def picture(seed: int, ill: bool) -> np.ndarray:
    """Dark lungs in noise, with a bright patch in one of them if ill."""
    generator = np.random.default_rng(seed)
    image = generator.normal(110, 8, (SIZE, SIZE))
    image[6:26, 4:13] -= 70
    image[6:26, 19:28] -= 70
    if ill:
        top, left = generator.integers(8, 18), generator.choice([5, 20])
        image[top : top + 8, left : left + 8] += 130
    return np.clip(image, 1, 255).astype(np.uint8)


def labels_of(ill: bool) -> dict[Finding, int]:
    return {Finding.NO_FINDING: int(not ill), Finding.PNEUMONIA: int(ill)}


def cases(n: int, first: int = 0) -> ClipCases:
    rows = [row(f"r{i}", labels_of(i % 2 == 1)) for i in range(first, first + n)]
    pixels = np.stack([picture(i, i % 2 == 1) for i in range(first, first + n)])
    return ClipCases(rows, pixels, np.empty((n, 0, SIZE, SIZE), np.int8))


def problem(folder: Path, n: int = 60, **changes: object) -> ClipProblem:
    values: dict[str, object] = {"sources": ("one",), "augmentation": STILL, **changes}
    settings = ClipSettings(**values)  # type: ignore[arg-type]
    clip = tiny_clip()
    return ClipProblem(clip, tiny_tokenizer(folder), cases(n), cases(80, 1000), settings)


@pytest.fixture
def manifest(tmp_path: Path) -> Path:
    lines = []
    for i in range(60):
        write_image(tmp_path / f"r{i}.png", np.kron(picture(i, i % 2 == 1), np.ones((4, 4))))
        labels = {f.value: str(v) for f, v in labels_of(i % 2 == 1).items()}
        split = "train" if i < 50 else "val"
        report = "Patchy opacity in one lung." if i == 1 else ""
        lines.append({"id": f"r{i}", "split": split, "report": report, **labels})
    columns = ("id", "image", "dataset", "patient_id", "split", "report", *Finding)
    return write_manifest(tmp_path / "manifest.csv", lines, columns)


@pytest.mark.parametrize(("weight", "steps"), [(0.0, 120), (0.7, 60)])
def test_a_finding_and_its_absence_are_told_apart_and_never_the_wrong_way_round(
    tmp_path: Path, weight: float, steps: int
) -> None:
    """Prompts of No Finding must say yes to the normal, on held-out pictures of one source.

    With w = 0 the findings alone teach it, with the paper's 0.7 the composed texts too.
    """
    trained = problem(tmp_path, 200, weight=weight)
    loop = LoopSettings(
        batch_size=32, learning_rate=2e-3, warmup_steps=5, ema_decay=0.9, steps=steps
    )
    Training(trained, loop, tmp_path / "run").run()
    embedder = Embedder(tmp_path / "run" / "weights" / "clip", CPU)
    held_out = json.loads(json.dumps(trained.report(tmp_path, 0)))
    assert held_out["No Finding [one]"] > 0.9
    assert held_out["Pneumonia [one]"] > 0.9
    scales = embedder.scales
    assert scales[Finding.PNEUMONIA].calibrated
    assert scales[Finding.PNEUMONIA].trained
    assert not scales[Finding.FRACTURE].trained
    if weight:  # the texts were learnt, so that a sentence nobody trained on finds its pictures
        normal = embedder.embed_text("A normal chest radiograph with clear lungs.").vector
        ill = embedder.embed_text("Chest radiograph with pneumonia.").vector
        with torch.no_grad():
            images = (
                trained.clip.eval()
                .encode_image(trained._images(trained.held_out, np.arange(80)))
                .numpy()
            )
        leaning = images @ (ill - normal)
        assert leaning[1::2].mean() > leaning[::2].mean()


def test_a_batch_is_the_same_drawn_alone_or_together_and_says_what_its_cases_are(
    tmp_path: Path,
) -> None:
    made = problem(tmp_path, reported_share=0.0)
    images, tokens, reported, meaning, present, known = made.draw_batch(
        16, torch.Generator().manual_seed(3)
    )
    assert images.shape == (16, 3, SIZE, SIZE)
    assert tokens.shape == (16, made.tokenizer([""]).shape[1])
    assert reported.all()
    of_ill = {int(m) for m, p in zip(meaning, present[:, 7], strict=True) if p == 1}
    of_well = {int(m) for m, p in zip(meaning, present[:, 7], strict=True) if p == 0}
    assert len(of_ill) == len(of_well) == 1  # two groups of labels, two meanings
    assert of_ill != of_well
    assert known[:, [0, 7]].all()
    assert known.sum() == 32


def test_real_reports_go_before_templates_and_are_drawn_as_often_as_asked(tmp_path: Path) -> None:
    made = problem(tmp_path)
    rows = list(made.cases.rows)
    rows[5] = replace(rows[5], report="Left basal opacity.")
    settings = replace(made.settings, reported_share=0.5)
    told = ClipProblem(
        made.clip, made.tokenizer, replace(made.cases, rows=rows), made.held_out, settings
    )
    assert [t.origin for t in told.real].count(TextOrigin.REAL) == 1
    drawn = told._draw_rows(4000, torch.Generator().manual_seed(0))
    assert float((drawn == 5).float().mean()) == pytest.approx(0.5, abs=0.05)
    assert told._text(5, torch.Generator())[0] == "Left basal opacity."
    without = replace(settings, templates=False)
    alone = ClipProblem(told.clip, told.tokenizer, told.cases, told.held_out, without)
    assert alone._text(4, torch.Generator())[0] == ""
    reported = alone.draw_batch(40, torch.Generator().manual_seed(0))[2]
    assert 0 < int(reported.sum()) < 40


def test_maps_move_with_their_radiographs_and_keep_their_sign() -> None:
    limits = AugmentationRange(degrees=20, zoom=0.2, shift=0.1, gain=0.5, offset=0.3, gamma=0.5)
    augmentation = draw(limits, 3, torch.Generator().manual_seed(0))
    maps = torch.zeros(3, 2, SIZE, SIZE)
    maps[:, 0, 10:20, 10:20], maps[:, 1, 10:20, 10:20] = 0.5, -0.25
    moved = move(augmentation, maps)
    torch.testing.assert_close(moved[:, 1], moved[:, 0] * -0.5)
    assert float(moved.max()) == pytest.approx(0.5)  # grey levels of a map mean something
    assert not torch.equal(moved, maps)


def test_training_resumes_as_if_it_had_not_been_stopped(manifest: Path, tmp_path: Path) -> None:
    whole = ClipRequest(manifest, tmp_path / "whole", "tiny", steps=4)
    train_clip(whole)
    parts = replace(whole, folder=tmp_path / "parts")
    train_clip(replace(parts, steps=2))
    # the first part's cosine ended at step 2, so its last weights are those of another training
    shutil.rmtree(tmp_path / "parts")
    train_clip(parts)
    name = "weights/clip/open_clip_model.safetensors"
    first, second = load_file(tmp_path / "whole" / name), load_file(tmp_path / "parts" / name)
    assert all(torch.equal(first[key], second[key]) for key in first)
    more = train_clip(replace(parts, steps=6, resume=True))
    assert more["steps"] == 6
    with pytest.raises(TrainingError, match="already holds a run"):
        train_clip(parts)


def test_from_the_command_line_to_a_bundle_that_searches_and_classifies(
    tiny_bundle: Bundle, manifest: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder, maps, run = tmp_path / "bundle", tmp_path / "maps", tmp_path / "run"
    shutil.copytree(tiny_bundle.folder, folder)
    augment(AugmentRequest(manifest, maps, folder, ChannelKind.ALL))
    arguments = ["train", "clip", "--manifest", str(manifest), "-o", str(run), "--json"]
    arguments += ["--preset", "tiny", "--channels", "all", "--maps", str(maps)]
    with pytest.raises(SystemExit) as end:
        main([*arguments, "--bundle", str(folder), "--steps", "2"])
    assert end.value.code == 0
    about = json.loads(capsys.readouterr().out)
    assert about["texts"] == {"real": 1, "templates": True}
    assert about["radiographs"] == {"one": 50}
    with pytest.raises(SystemExit) as end:
        main(["bundle", "add-clip", str(folder), "--clip", str(run)])
    assert end.value.code == 0
    bundle = read_bundle(folder)
    assert bundle.training["clip"]["kind"] == "clip"
    assert {source.name: source.images.get("clip") for source in bundle.data}["one"] == 50
    embedder = open_embedder(bundle, CPU)
    from daug.engine import Engine
    from daug.workstation import finish

    radiograph = load_radiograph(manifest.parent / "r51.png")
    engine = Engine(load_models(bundle), CPU)
    heatmaps = finish(engine.draw_heatmaps(radiograph, embedder.recipes))
    augmented = AugmentedRadiograph.from_heatmaps(radiograph, heatmaps)
    assert len(embedder.classify(augmented)) == 14
    assert np.linalg.norm(embedder.embed(augmented).vector) == pytest.approx(1, abs=1e-4)


def test_a_run_of_other_maps_does_not_enter_a_bundle(tiny_bundle: Bundle, tmp_path: Path) -> None:
    shutil.copytree(tiny_bundle.folder, tmp_path / "bundle")
    recipe = tiny_bundle.recipe_for("no finding")
    plan = ChannelPlan(ChannelKind.PAPER, (recipe,), 0.5, "e" * 64)
    save_clip(tiny_clip(plan), tiny_tokenizer(tmp_path).merges, tmp_path / "run/weights/clip")
    (tmp_path / "run" / "run.json").write_text(json.dumps({"kind": "clip", "radiographs": {}}))
    before = sorted(p.name for p in (tmp_path / "bundle").iterdir())
    with pytest.raises(BundleError, match="Train it on this bundle's maps"):
        add_clip(tmp_path / "bundle", tmp_path / "run")
    assert sorted(p.name for p in (tmp_path / "bundle").iterdir()) == before


def test_channels_with_maps_need_a_bundle_and_its_maps(manifest: Path, tmp_path: Path) -> None:
    request = ClipRequest(manifest, tmp_path / "run", "tiny", channels=ChannelKind.PAPER)
    with pytest.raises(TrainingError, match=r"--bundle\) and the folder"):
        train_clip(request)


def test_pretrained_weights_are_taken_from_a_local_folder_and_widened(
    tiny_bundle: Bundle, tmp_path: Path
) -> None:
    """What the wide model says of a radiograph without any change is what the old one says."""
    pretrained = tiny_clip(seed=5, mean=(0.4, 0.5, 0.6), std=(0.2, 0.3, 0.4))
    save_clip(pretrained, tiny_tokenizer(tmp_path).merges, tmp_path / "theirs")
    recipes = (tiny_bundle.recipe_for("no finding"), tiny_bundle.recipe_for("atelectasis"))
    plan = ChannelPlan(ChannelKind.ALL, recipes, 0.5, tiny_bundle.digest)
    request = ClipRequest(
        Path(), tmp_path / "run", "tiny", model=str(tmp_path / "theirs"), channels=plan.kind
    )
    clip, tokenizer = build_clip(request, CLIP_PRESETS["tiny"], plan)
    assert clip.config.mean == (0.4, 0.5, 0.6)
    radiographs = torch.rand(2, 1, SIZE, SIZE) * 2 - 1
    with torch.no_grad():
        found = clip.eval().encode_image(
            torch.cat([radiographs, torch.randn(2, 2, SIZE, SIZE)], dim=1)
        )
        expected = pretrained.encode_image(radiographs.expand(-1, 3, -1, -1))
        torch.testing.assert_close(found, expected, atol=1e-5, rtol=1e-4)
        tokens = tokenizer(["Edema of the lungs."])
        torch.testing.assert_close(clip.encode_text(tokens), pretrained.encode_text(tokens))


def test_another_shape_or_other_channels_are_no_start(tmp_path: Path) -> None:
    save_clip(tiny_clip(), tiny_tokenizer(tmp_path).merges, tmp_path / "clip")
    problem(tmp_path).start_from(tmp_path / "clip")
    wide = ClipProblem(
        build_clip(ClipRequest(Path(), tmp_path, "tiny"), CLIP_PRESETS["tiny"], ChannelPlan())[0],
        tiny_tokenizer(tmp_path),
        cases(60),
        cases(80),
        ClipSettings(("one",)),
    )
    with pytest.raises(TrainingError, match="another shape"):
        wide.start_from(tmp_path / "clip")


def test_the_small_preset_fits_a_bundle(tmp_path: Path) -> None:
    request = ClipRequest(Path(), tmp_path / "run", "cpu")
    clip, tokenizer = build_clip(request, CLIP_PRESETS["cpu"], ChannelPlan())
    save_clip(clip, tokenizer.merges, tmp_path / "clip", torch.float16)
    size = sum(path.stat().st_size for path in (tmp_path / "clip").iterdir())
    assert size < 20e6
    image = sum(p.numel() for p in clip.towers.visual.parameters())
    assert 8e6 < image < 12e6
