from pathlib import Path

import torch

from daug.bundle import Bundle
from daug.bundled_models import load_models
from daug.engine import Engine
from tests.trainers.localisation.drawn_study import write_study
from trainers.evaluation.localisation.scorable import Part
from trainers.evaluation.localisation.truths import find_cases
from trainers.evaluation.localisation.tuning import line, score_recipe, tuning_cases
from trainers.manifest import read_manifest


def test_recipes_are_tried_on_the_tuning_half_and_change_what_is_found(
    tiny_bundle: Bundle, tmp_path: Path
) -> None:
    manifest = write_study(tmp_path, jsrt=0, normals=0)
    cases = tuning_cases(tiny_bundle, manifest)
    assert all(case.part is Part.TUNING for case in cases)
    engine = Engine(load_models(tiny_bundle), torch.device("cpu"))
    every = find_cases(read_manifest(manifest), tiny_bundle)
    assert len(every) > len(cases) > 0
    usual, theirs = score_recipe(engine, every, draws=20)  # the others are passed over
    assert usual.kind.default
    assert (usual.n, theirs.kind.method) == (len(cases), "grad_cam")
    (other,) = score_recipe(engine, cases, {"scale": 0.5, "noise_level": 40}, others=(), draws=20)
    assert other.figures["energy_ratio"] != usual.figures["energy_ratio"]
    assert "*daug: −" in line(usual)
