from dataclasses import replace
from pathlib import Path

import pytest

from daug.bundle import Bundle, ClassMetrics, DataSource, Estimate
from daug.errors import BundleError
from daug.notice import NOTICE
from trainers.model_card import model_card, write_card

AUROC = Estimate(0.71234, 0.6, 0.8, 150)


@pytest.fixture
def bundle(tiny_bundle: Bundle) -> Bundle:
    """With a class that was measured well, one that was hardly measured, and an odd source."""
    few, enough = (ClassMetrics("nih", n, 100, AUROC, AUROC) for n in (19, 20))
    first, second, *others = tiny_bundle.classes
    return replace(
        tiny_bundle,
        classes=(replace(first, metrics=(enough,)), replace(second, metrics=(few,)), *others),
        data=(DataSource("a|b", "CC BY 4.0", "<script>\nSomebody", {"unet": 1200}),),
    )


def line_of(card: str, *words: str) -> str:
    (line,) = [line for line in card.splitlines() if all(word in line for word in words)]
    return line


def test_the_card_bears_the_notice_and_the_digest(bundle: Bundle) -> None:
    card = model_card(bundle)
    assert NOTICE in card
    assert bundle.digest in card


def test_every_class_says_what_it_was_learnt_from_and_whether_it_is_offered(
    bundle: Bundle,
) -> None:
    card = model_card(bundle)
    assert "no training examples" in line_of(card, "Support Devices (0)")
    assert line_of(card, "Pleural Other (0)").endswith("| 100 / 100 | 0 / 0 | yes |")
    assert "Lung Opacity, Pneumothorax, Fracture" in card


def test_a_figure_on_few_radiographs_is_marked(bundle: Bundle) -> None:
    card = model_card(bundle)
    assert "n too small" in line_of(card, "nih", "19 / 100")
    assert "n too small" not in line_of(card, "nih", "20 / 100")
    assert "0.71 (0.60 to 0.80)" in line_of(card, "nih", "20 / 100")


def test_every_source_is_named_with_its_licence_and_nothing_escapes_its_cell(
    bundle: Bundle,
) -> None:
    line = line_of(model_card(bundle), "CC BY 4.0")
    assert line == r"| a\|b | 1,200 | CC BY 4.0 | &lt;script> Somebody |"


def test_movement_is_told_once_it_was_measured(bundle: Bundle) -> None:
    share = {"value": 0.9, "low": 0.8, "high": 1.0, "n": 64}
    row = {
        "super_class": "Pleural",
        "direction": "+",
        "activation": "softmax",
        **dict.fromkeys(("score_right_way", "right_way", "ssim_input", "ssim_control"), share),
    }
    assert "right way" not in model_card(bundle)
    measured = replace(bundle, measured={"movement": {"n": 64, "split": "test", "rows": [row]}})
    assert "| Pleural | + | softmax | 0.90 (0.80 to 1.00) |" in model_card(measured)


def test_the_shipped_card_says_what_the_shipped_description_says() -> None:
    from daug.bundle import read_bundle

    folder = Path(__file__).parents[2] / "assets" / "models" / "cxr-demo"
    assert (folder / "MODEL_CARD.md").read_text(encoding="utf-8") == model_card(read_bundle(folder))


def test_a_folder_that_is_no_bundle_gets_no_card(tmp_path: Path) -> None:
    with pytest.raises(BundleError):
        write_card(tmp_path)
    assert not list(tmp_path.iterdir())
