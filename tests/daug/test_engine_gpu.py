import numpy as np
import pytest
import torch

from daug.bundle import Bundle
from daug.bundled_models import load_models
from daug.engine import Engine
from daug.heatmap import Encoder
from daug.radiograph import Radiograph
from daug.workstation import finish

pytestmark = [
    pytest.mark.gpu,
    pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device"),
]


@pytest.mark.parametrize("encoder", Encoder)
def test_an_accelerator_draws_the_map_that_the_cpu_draws(
    tiny_bundle: Bundle, radiograph: Radiograph, encoder: Encoder
) -> None:
    """The noise of a seed is drawn on the CPU, so it is the same everywhere."""
    models = load_models(tiny_bundle)
    recipe = tiny_bundle.recipe_for("Pleural", scale=50.0, encoder=encoder)
    here, there = (
        finish(Engine(models, torch.device(name), fast=False).draw_heatmaps(radiograph, [recipe]))
        for name in ("cpu", "cuda")
    )
    np.testing.assert_allclose(here[0].change, there[0].change, atol=1e-3)
    np.testing.assert_allclose(here[0].scores_after.logits, there[0].scores_after.logits, atol=1e-2)
