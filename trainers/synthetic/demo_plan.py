"""What the demonstration library shows: how many cases of which kind, and patients with a prior.

Weights are of 240 cases; another number of cases is shared out in the same way.
"""

from collections.abc import Sequence

from daug.bundle import Bundle
from daug.findings import Activation, Finding
from trainers.synthetic.plan import SEEDS_APART, Kind, Settings
from trainers.synthetic.recipe import Aim, DrawRecipe

UNCONDITIONAL_WEIGHT = 14
SINGLE_WEIGHTS = {  # fewer of what the classifier agrees with in one drawing of three or two
    Finding.NO_FINDING: 36,
    Finding.LUNG_LESION: 20,
    Finding.PNEUMONIA: 30,
    Finding.ATELECTASIS: 30,
    Finding.PLEURAL_EFFUSION: 22,
}
OTHER_WEIGHT = 20  # of a super-class that the shipped bundle does not offer
COMBINED = {  # what is often seen together
    (Finding.PNEUMONIA, Finding.PLEURAL_EFFUSION): 14,
    (Finding.ATELECTASIS, Finding.PLEURAL_EFFUSION): 12,
    (Finding.PNEUMONIA, Finding.ATELECTASIS): 16,
    (Finding.LUNG_LESION, Finding.PLEURAL_EFFUSION): 6,
}
FOLLOWED = {  # normal first, then this: patients with two studies, each of which is a case
    Finding.PNEUMONIA: 18,
    Finding.PLEURAL_EFFUSION: 8,
    Finding.ATELECTASIS: 14,
}
ALIKE_ABOVE = 700  # timestep down to which both studies of a patient are the very same drawing

Studies = tuple[tuple[str, ...], ...]  # of one patient, in their order: what each is drawn towards


def demo_plan(bundle: Bundle, count: int, settings: Settings) -> list[Kind]:
    """Return what to draw of what a bundle offers, `count` cases in all or one more.

    Args:
        bundle: A combination with a super-class that it does not offer is left out.
        count: How many cases.
        settings: For all of them; a picture towards two super-classes is guided by their sigmoid
            scores, since under a softmax one could only rise at the other's cost.
    """
    weights: dict[Studies, int] = {((),): UNCONDITIONAL_WEIGHT}
    for card in bundle.offered:
        known = [SINGLE_WEIGHTS[finding] for finding in card.findings if finding in SINGLE_WEIGHTS]
        weights[((card.name,),)] = known[0] if known else OTHER_WEIGHT
    for pair, weight in COMBINED.items():
        if len(names := _offered(bundle, pair)) == len(pair):
            weights[(names,)] = weight
    for finding, weight in FOLLOWED.items():
        if len(names := _offered(bundle, (Finding.NO_FINDING, finding))) > 1:
            weights[tuple((name,) for name in names)] = weight
    numbers = _shared_out(count, list(weights.items()))
    return [
        _kind(studies, number, settings, settings.seed + index * SEEDS_APART)
        for index, (studies, number) in enumerate(zip(weights, numbers, strict=True))
        if number
    ]


def _offered(bundle: Bundle, findings: Sequence[Finding]) -> tuple[str, ...]:
    """Return the super-classes of some findings, as far as the bundle offers them."""
    return tuple(
        card.name for finding in findings for card in bundle.offered if finding in card.findings
    )


def _kind(studies: Studies, number: int, settings: Settings, seed: int) -> Kind:
    below = settings.guided_below if len(studies) == 1 else ALIKE_ABOVE
    first, *later = (
        DrawRecipe(seed, _aims(names, settings.scale), settings.num_steps, guided_below=below)
        for names in studies
    )
    return Kind(number, first, tuple(later))


def _aims(names: Sequence[str], scale: float) -> tuple[Aim, ...]:
    how = Activation.SOFTMAX if len(names) == 1 else Activation.SIGMOID
    return tuple(Aim(name, activation=how, scale=scale) for name in names)


def _shared_out(count: int, weights: Sequence[tuple[Studies, int]]) -> list[int]:
    """Return how many patients of each kind: rounded down, then one more to the most neglected."""
    whole = sum(weight for _, weight in weights)
    exact = [count * weight / whole / len(studies) for studies, weight in weights]
    numbers = [int(share) for share in exact]
    sizes = [len(studies) for studies, _ in weights]
    order = sorted(range(len(exact)), key=lambda i: (numbers[i] - exact[i], i))
    for index in order * 2:
        if sum(n * size for n, size in zip(numbers, sizes, strict=True)) >= count:
            break
        numbers[index] += 1
    return numbers
