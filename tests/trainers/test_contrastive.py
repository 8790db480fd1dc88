"""The hybrid loss against a reference that is written out case by case, in float64."""

import math
import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from open_clip.loss import ClipLoss
from torch import Tensor
from torch.nn import functional as F

from daug.clip import ClipOutput
from trainers.contrastive import Known, class_loss, clip_loss, hybrid_loss

B, D, FINDINGS = 6, 5, 3
REPOSITORY = Path(__file__).parents[2]


def unit(rows: int, seed: int) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    return F.normalize(torch.randn(rows, D, generator=generator, dtype=torch.float64), dim=-1)


def output(**changes: Tensor) -> ClipOutput:
    values = {
        "image": unit(B, 1),
        "text": unit(B, 2),
        "classes": unit(FINDINGS, 3),
        "logit_scale": torch.tensor(7.0, dtype=torch.float64),
        "class_scale": torch.tensor(4.0, dtype=torch.float64),
        "class_bias": torch.tensor(-0.5, dtype=torch.float64),
    }
    return ClipOutput(**{**values, **changes})


def known() -> Known:
    """Case 2 has no report, cases 0 and 4 say the same, two labels are unknown."""
    labels = torch.tensor([[1, 0, 0], [1, 1, 0], [0, 0, 1], [0, 1, 1], [1, 0, 0], [0, 0, 0]])
    mask = torch.ones(B, FINDINGS, dtype=torch.bool)
    mask[0, 1] = mask[5, 2] = False
    return Known(
        reported=torch.tensor([True, True, False, True, True, True]),
        meaning=torch.tensor([10, 11, 12, 13, 10, 14]),
        present=labels.double(),
        known=mask,
    )


def by_hand(o: ClipOutput, k: Known, w: float) -> float:
    """Sums and logarithms, one number at a time; nothing is shared with the code."""
    image, text, classes = o.image.tolist(), o.text.tolist(), o.classes.tolist()
    s, a, b = float(o.logit_scale), float(o.class_scale), float(o.class_bias)

    def dot(u: list[float], v: list[float]) -> float:
        return math.fsum(x * y for x, y in zip(u, v, strict=True))

    cases = [i for i in range(B) if k.reported[i]]
    reports = 0.0
    for one, other in ((image, text), (text, image)):
        for i in cases:
            against = [j for j in cases if j == i or k.meaning[j] != k.meaning[i]]
            total = math.fsum(math.exp(s * dot(one[i], other[j])) for j in against)
            reports -= math.log(math.exp(s * dot(one[i], other[i])) / total)
    reports /= 2 * len(cases)
    terms = []
    for i in range(B):
        for c in range(FINDINGS):
            if k.known[i, c]:
                p = 1 / (1 + math.exp(-(a * dot(image[i], classes[c]) + b)))
                terms.append(-math.log(p if k.present[i, c] else 1 - p))
    return w * reports + (1 - w) * math.fsum(terms) / len(terms)


@pytest.mark.parametrize("weight", [0.0, 0.3, 0.7, 1.0])
def test_the_loss_is_the_one_written_out_by_hand(weight: float) -> None:
    found = hybrid_loss(output(), known(), weight)
    assert float(found) == pytest.approx(by_hand(output(), known(), weight), rel=1e-12)


def test_without_masks_it_is_open_clips_loss() -> None:
    o = output()
    everything = torch.ones(B, dtype=torch.bool)
    ours = clip_loss(o.image, o.text, o.logit_scale, everything, torch.arange(B))
    torch.testing.assert_close(ours, ClipLoss()(o.image, o.text, o.logit_scale))


def test_gradients_are_those_of_the_loss() -> None:
    """Against central differences, for every embedding and every scale."""

    def loss(*values: Tensor) -> Tensor:
        return hybrid_loss(ClipOutput(*values), known())

    inputs = tuple(value.clone().requires_grad_() for value in output())
    assert torch.autograd.gradcheck(loss, inputs)


def test_unknown_labels_and_missing_reports_have_no_influence() -> None:
    o, k = output(), known()
    other = Known(k.reported, k.meaning.clone(), k.present.clone(), k.known)
    other.present[~k.known] = 1 - other.present[~k.known]
    other.meaning[~k.reported] = 10
    text = o.text.clone()
    text[~k.reported] = unit(1, 9)
    assert float(hybrid_loss(o._replace(text=text), other)) == float(hybrid_loss(o, k))


def test_the_order_of_the_cases_says_nothing() -> None:
    o, k = output(), known()
    turn = torch.tensor([3, 1, 5, 0, 2, 4])
    turned = hybrid_loss(
        o._replace(image=o.image[turn], text=o.text[turn]),
        Known(k.reported[turn], k.meaning[turn], k.present[turn], k.known[turn]),
    )
    torch.testing.assert_close(turned, hybrid_loss(o, k))


def test_a_batch_without_reports_teaches_the_findings_alone() -> None:
    o, k = output(), known()
    text = o.text.clone().requires_grad_()
    none = Known(torch.zeros(B, dtype=torch.bool), k.meaning, k.present, k.known)
    loss = hybrid_loss(o._replace(text=text), none)
    logits = 4.0 * o.image @ o.classes.T - 0.5
    torch.testing.assert_close(loss.detach(), 0.3 * class_loss(logits, k.present, k.known))
    loss.backward()
    assert text.grad is not None  # in the graph, or several processes would wait for it for ever
    assert (text.grad == 0).all()


def test_a_batch_without_known_labels_teaches_the_reports_alone() -> None:
    o, k = output(), known()
    nothing = Known(k.reported, k.meaning, k.present, torch.zeros_like(k.known))
    expected = 0.7 * clip_loss(o.image, o.text, o.logit_scale, k.reported, k.meaning)
    torch.testing.assert_close(hybrid_loss(o, nothing), expected)


def test_cases_that_all_say_the_same_are_no_examples_against_each_other() -> None:
    o = output()
    reported, meaning = torch.ones(B, dtype=torch.bool), torch.zeros(B, dtype=torch.long)
    assert float(clip_loss(o.image, o.text, o.logit_scale, reported, meaning)) == 0


PROCESS = """
import os
import sys
import torch
from torch import distributed
from torch.nn.parallel import DistributedDataParallel
from daug.clip import ClipOutput
from tests.trainers.test_contrastive import B, known, output
from trainers.contrastive import Known, hybrid_loss

rank, store, result = int(sys.argv[1]), sys.argv[2], sys.argv[3]
distributed.init_process_group("gloo", init_method=f"file://{store}", rank=rank, world_size=2)

class Towers(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.turn = torch.nn.Parameter(torch.eye(5, dtype=torch.float64) * 1.5)
        self.scale = torch.nn.Parameter(torch.tensor(4.0, dtype=torch.float64))

    def forward(self, image, text, classes):
        o = output()
        return ClipOutput(image @ self.turn, text, classes @ self.turn, o.logit_scale,
                          self.scale * 1, o.class_bias)

towers = DistributedDataParallel(Towers())
half = slice(rank * B // 2, (rank + 1) * B // 2)
o, k = output(), known()
loss = hybrid_loss(
    towers(o.image[half], o.text[half], o.classes),
    Known(k.reported[half], k.meaning[half], k.present[half], k.known[half]),
)
loss.backward()
if rank == 0:
    torch.save([loss.detach(), towers.module.turn.grad, towers.module.scale.grad], result)
distributed.barrier()  # neither leaves while the other still needs it
del towers, loss
distributed.destroy_process_group()
sys.stderr.flush()
os._exit(0)  # gloo's threads may abort an interpreter that takes itself down; all is written by now
"""


def test_two_processes_with_half_a_batch_each_learn_what_one_learns_from_the_whole(
    tmp_path: Path,
) -> None:
    """Real processes over gloo: negatives cross them, and the averaged gradient is the whole's."""
    store, result = tmp_path / "store", tmp_path / "result.pt"
    environment = {**os.environ, "PYTHONPATH": str(REPOSITORY), "PYTHONWARNINGS": "ignore"}
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", PROCESS, str(rank), str(store), str(result)],
            env=environment,
            stderr=subprocess.PIPE,
            text=True,
        )
        for rank in range(2)
    ]
    for process in processes:
        _, errors = process.communicate(timeout=120)
        assert process.returncode == 0, errors
    loss, turn_gradient, scale_gradient = torch.load(result, weights_only=True)
    turn = (torch.eye(D, dtype=torch.float64) * 1.5).requires_grad_()
    scale = torch.tensor(4.0, dtype=torch.float64, requires_grad=True)
    o = output()
    whole = hybrid_loss(
        o._replace(image=o.image @ turn, classes=o.classes @ turn, class_scale=scale * 1), known()
    )
    whole.backward()
    torch.testing.assert_close(loss, whole.detach())
    torch.testing.assert_close(turn_gradient, turn.grad)
    torch.testing.assert_close(scale_gradient, scale.grad)
