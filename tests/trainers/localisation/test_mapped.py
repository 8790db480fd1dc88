"""Grad-CAM kept where our own maps may show change, as a match on equal terms."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import cast

import numpy as np
import torch
from numpy.typing import NDArray

from daug.anatomy import Anatomist
from daug.bundle import Bundle, DataSource
from daug.bundled_models import load_models
from daug.engine import Engine
from daug.guided_region import lungs_of
from daug.heatmap import Region
from daug.organs import ORGANS, OrganMasks
from daug.seen_organs import SeenOrgans
from tests.daug.drawn_chest import DrawnChest
from tests.trainers.localisation.drawn_study import write_study
from trainers.evaluation.localisation.document import held_out
from trainers.evaluation.localisation.kinds import GRAD_CAM, WITHIN
from trainers.evaluation.localisation.mapped import MapMaker
from trainers.evaluation.localisation.measuring import kinds_of
from trainers.evaluation.localisation.truths import TRUTHS, find_cases
from trainers.manifest import read_manifest


@dataclass(frozen=True)
class SameChest:
    organs: OrganMasks

    def look_at_all(self, pixels: NDArray[np.float32]) -> list[SeenOrgans]:
        seen = np.stack([self.organs.by_name[name] for name in ORGANS]).astype(np.float32)
        return [SeenOrgans(seen) for _ in pixels]


def test_grad_cam_is_also_shown_as_confined_as_our_maps(
    tiny_bundle: Bundle, tmp_path: Path
) -> None:
    bundle = replace(tiny_bundle, recipe=replace(tiny_bundle.recipe, within=Region.SITE))
    case = find_cases(read_manifest(write_study(tmp_path)), bundle)[0]
    organs = DrawnChest(side=bundle.image_size).organs()
    models = load_models(tiny_bundle)
    reader = cast("Anatomist", SameChest(organs))
    engine = Engine(replace(models, bundle=bundle, anatomist=reader), torch.device("cpu"))
    kinds = [k for k in kinds_of(case, bundle) if k.method in (GRAD_CAM, WITHIN)]
    assert {kind.method for kind in kinds} == {GRAD_CAM, WITHIN}
    assert WITHIN not in {kind.method for kind in kinds_of(case, tiny_bundle)}
    maps = {
        kind.method: stack for kind, stack in MapMaker(engine).maps(case.radiograph, kinds).items()
    }
    outside = ~lungs_of(organs)
    assert (maps[WITHIN][:, outside] == 0).all()
    assert (maps[WITHIN] <= maps[GRAD_CAM]).all()
    centre = organs.lungs & ~organs.heart
    assert maps[WITHIN][:, centre].sum() > 0.3 * maps[GRAD_CAM][:, centre].sum()


def test_a_source_that_taught_outlines_alone_is_told_of(tiny_bundle: Bundle) -> None:
    (nodule,) = (truth for truth in TRUTHS if truth.name == "jsrt:nodule")
    data = (DataSource("jsrt", "research", "JSRT", {"anatomy": 9}),)
    taught = replace(tiny_bundle, data=data, training={"anatomy": {"split": "train"}})
    assert "where lungs and heart lie" not in held_out(nodule, taught)  # its maps roam freely
    confined = replace(taught, recipe=replace(taught.recipe, within=Region.SITE))
    told = held_out(nodule, confined)
    assert "all of it is held out" in told
    assert "learnt from split train where lungs and heart lie" in told
