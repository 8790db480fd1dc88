"""Sentences composed from labels, for cases that nobody wrote a report of.

They let the text tower hear the words of radiology in varied wording, and say nothing that the
labels do not say: whether reports help beside labels cannot be learnt from them. Every such text
is marked as a template.
"""

from collections.abc import Mapping, Sequence

import torch

from daug.findings import Finding
from daug.prompts import PHRASES
from trainers.report_text import NO_TEXT, CaseText, TextOrigin, meaning_of

NORMAL = (
    "Normal chest radiograph.",
    "No acute cardiopulmonary abnormality.",
    "The lungs are clear and the heart is of normal size.",
    "Clear lungs. Normal cardiomediastinal silhouette.",
    "Unremarkable chest X-ray.",
)
ABNORMAL = ("Abnormal chest radiograph.", "The chest radiograph is not normal.")
PRESENT = (
    "There is {}.",
    "Chest radiograph showing {}.",
    "Findings consistent with {}.",
    "{} is seen.",
    "Impression: {}.",
)
ABSENT = ("No {}.", "There is no {}.", "No evidence of {}.")
UNCERTAIN = ("Possible {}.", "{} cannot be excluded.", "Findings may represent {}.")
ABSENT_SHARE = 0.4  # of the texts that also say what is not there
ABSENT_NAMED = 2  # findings at most


def compose(labels: Mapping[Finding, int], generator: torch.Generator) -> CaseText:
    """Return a short report that says what the labels say; none where nothing is known.

    Args:
        labels: 1 present, 0 absent, -1 uncertain; unknown is left out.
        generator: Draws wording, order, and which absent findings are named.
    """
    present = _of(labels, 1, generator)
    absent = _of(labels, 0, generator)
    sentences = []
    if labels.get(Finding.NO_FINDING) == 1:
        sentences.append(_pick(NORMAL, generator))
    elif present:
        sentences.append(_filled(PRESENT, present, " and ", generator))
    if uncertain := _of(labels, -1, generator):
        sentences.append(_filled(UNCERTAIN, uncertain, " or ", generator))
    chance = float(torch.rand((), generator=generator))  # drawn in any case: same dice for all
    if absent and (not sentences or chance < ABSENT_SHARE):
        without = [_bare(phrase) for phrase in absent[:ABSENT_NAMED]]
        sentences.append(_filled(ABSENT, without, " or ", generator))
    if labels.get(Finding.NO_FINDING) == 0 and not present:
        sentences.insert(0, _pick(ABNORMAL, generator))
    return CaseText(" ".join(sentences), TextOrigin.TEMPLATE) if sentences else NO_TEXT


def template_meaning(labels: Mapping[Finding, int]) -> int:
    """Return a number shared by all texts that may be composed from the same labels."""
    return meaning_of(" ".join(f"{f.value}={labels[f]}" for f in Finding if f in labels))


def _of(labels: Mapping[Finding, int], state: int, generator: torch.Generator) -> list[str]:
    """Return the phrases of the findings in a state, in any order."""
    phrases = [PHRASES[f] for f in Finding if f in PHRASES and labels.get(f) == state]
    order = torch.randperm(len(phrases), generator=generator).tolist()
    return [phrases[i] for i in order]


def _filled(
    patterns: Sequence[str], phrases: Sequence[str], last: str, generator: torch.Generator
) -> str:
    listed = last.join([", ".join(phrases[:-1]), phrases[-1]] if phrases[1:] else phrases)
    sentence = _pick(patterns, generator).format(listed)
    return sentence[0].upper() + sentence[1:]


def _bare(phrase: str) -> str:
    """Return a phrase without its article, to stand behind "no"."""
    return phrase.removeprefix("an ").removeprefix("a ")


def _pick(choices: Sequence[str], generator: torch.Generator) -> str:
    return choices[int(torch.randint(len(choices), (), generator=generator))]
