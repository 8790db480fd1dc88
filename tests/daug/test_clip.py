from pathlib import Path

import open_clip
import pytest
import torch
from open_clip.model import CLIP
from safetensors.torch import save_file
from torch.nn import functional as F

from daug.augmented import ChannelKind, ChannelPlan
from daug.clip import Clip, ClipConfig
from daug.errors import BundleError
from daug.heatmap import Recipe
from daug.prompts import class_prompts
from daug.towers import (
    build_towers,
    encode_text,
    known_model_cfg,
    load_weights,
    pretrained_file,
    pretrained_look,
    write_merges,
)
from tests.daug.clips import tiny_clip, tiny_config, tiny_model_cfg, tiny_tokenizer

MAPS = tuple(Recipe(name) for name in ("No Finding", "Lung Lesion", "Pleural"))
ALL = ChannelPlan(ChannelKind.ALL, MAPS, full_at=0.4, bundle_digest="b")


def images(channels: int = 3, size: int = 32) -> torch.Tensor:
    return torch.rand(4, channels, size, size, generator=torch.Generator().manual_seed(0)) * 2 - 1


def test_texts_are_embedded_as_open_clip_does_without_computing_the_padding(
    tmp_path: Path,
) -> None:
    towers = build_towers(tiny_model_cfg())
    tokens = tiny_tokenizer(tmp_path)(["Clear lungs!! !", "a much longer sentence, of edema", "!"])
    with torch.no_grad():
        torch.testing.assert_close(
            encode_text(towers, tokens), towers.encode_text(tokens), atol=1e-6, rtol=1e-5
        )


def test_maps_in_new_channels_change_nothing_at_first_but_are_learnt() -> None:
    """The first convolution is widened with zeros: same output, and a gradient that is not zero."""
    plain = tiny_clip()
    wide = Clip(tiny_config(ALL)).eval()
    state = plain.towers.state_dict()
    name = "visual.conv1.weight"
    state[name] = F.pad(state[name], (0, 0, 0, 0, 0, len(MAPS)))
    before = wide.towers.visual.conv1.weight[:, 3:].detach().clone()
    assert (before == 0).all()  # of its own making, not of this test's
    wide.towers.load_state_dict(state)
    radiographs, maps = images(1), images(len(MAPS))
    said = wide.encode_image(torch.cat([radiographs, maps], dim=1))
    expected = plain.encode_image(radiographs.expand(-1, 3, -1, -1))
    torch.testing.assert_close(said, expected, atol=1e-6, rtol=1e-5)
    said[:, 0].sum().backward()
    gradient = wide.towers.visual.conv1.weight.grad
    assert gradient is not None
    assert (gradient[:, 3:].abs().amax(dim=(0, 2, 3)) > 0).all()


def test_widening_keeps_the_weights_of_the_colours() -> None:
    torch.manual_seed(3)
    narrow = build_towers(tiny_model_cfg())
    torch.manual_seed(3)
    wide = Clip(tiny_config(ALL))
    assert (wide.towers.visual.conv1.weight[:, :3] == narrow.visual.conv1.weight).all()


def test_images_are_normalised_as_the_tower_was_trained() -> None:
    """White of a photograph is 1 in [0, 1]; mean and spread are the tower's own."""
    clip = tiny_clip(mean=(0.5, 0.4, 0.3), std=(0.25, 0.2, 0.1))
    white = clip.normalise(torch.ones(1, 3, 2, 2))[0, :, 0, 0]
    torch.testing.assert_close(white, torch.tensor([2.0, 3.0, 7.0]))


def test_a_finding_is_the_mean_direction_of_its_prompts(tmp_path: Path) -> None:
    clip, tokenizer = tiny_clip(), tiny_tokenizer(tmp_path)
    sentences = [["Edema.", "Pulmonary edema is seen."], ["Normal.", "A normal chest."]]
    tokens = torch.stack([tokenizer(pair) for pair in sentences])
    classes = clip.encode_classes(tokens)
    for found, pair in zip(classes, sentences, strict=True):
        each = torch.cat(
            [F.normalize(clip.towers.encode_text(tokenizer([t])), dim=-1) for t in pair]
        )
        torch.testing.assert_close(found, F.normalize(each.sum(dim=0), dim=0), atol=1e-5, rtol=1e-5)


def test_a_findings_logit_is_a_scaled_cosine_or_the_papers_bare_one() -> None:
    image, C = F.normalize(torch.randn(2, 16), dim=-1), F.normalize(torch.randn(3, 16), dim=-1)
    scaled, bare = tiny_clip(), tiny_clip(scaled=False)
    torch.testing.assert_close(scaled.class_logits(image, C), 10 * image @ C.T)
    torch.testing.assert_close(bare.class_logits(image, C), image @ C.T)
    assert not bare.log_class_scale.requires_grad
    assert not bare.class_bias.requires_grad


def test_cases_without_a_report_have_no_text_and_do_not_touch_the_others(tmp_path: Path) -> None:
    clip, tokenizer = tiny_clip(), tiny_tokenizer(tmp_path)
    tokens = tokenizer(["Edema.", "", "Normal.", ""])
    reported = torch.tensor([True, False, True, False])
    prompts = tokens[:2, None]
    output = clip(images(), tokens, reported, prompts)
    assert (output.text[~reported] == 0).all()
    torch.testing.assert_close(
        output.text[reported], clip.encode_text(tokenizer(["Edema.", "Normal."]))
    )


def test_the_tower_of_the_paper_takes_256_px_with_the_position_embedding_interpolated(
    tmp_path: Path,
) -> None:
    """Weights for one size load at another: here from a file, in OpenAI's flat layout."""
    cfg = tiny_model_cfg(size=32, patch=8)
    del cfg["custom_text"]
    theirs = CLIP(**cfg)
    path = tmp_path / "weights.safetensors"
    save_file({k: v.contiguous() for k, v in theirs.state_dict().items()}, path)
    larger = build_towers(tiny_model_cfg(size=64, patch=8))
    load_weights(larger, pretrained_file("ViT-B-32", str(path)))
    old = theirs.visual.positional_embedding
    new = larger.visual.positional_embedding
    assert new.shape == (65, 32)
    assert (new[0] == old[0]).all()  # of the class token
    grid = old[1:].T.reshape(1, 32, 4, 4)
    wanted = F.interpolate(grid, (8, 8), mode="bicubic", antialias=True)[0].flatten(1).T
    torch.testing.assert_close(new[1:], wanted)
    tokens = torch.tensor([[5, 6, 713]])
    torch.testing.assert_close(
        encode_text(larger, F.pad(tokens, (0, 93))), theirs.encode_text(F.pad(tokens, (0, 93)))
    )


def test_open_clips_models_are_known_by_name_at_any_size() -> None:
    cfg = known_model_cfg("ViT-B-32", 256)
    assert cfg["vision_cfg"]["image_size"] == 256
    assert cfg["vision_cfg"]["patch_size"] == 32
    assert cfg["embed_dim"] == 512
    quick_gelu, mean, std = pretrained_look("ViT-B-32", "openai")
    assert quick_gelu  # OpenAI's weights make no sense with another activation
    assert (mean, std) == (open_clip.OPENAI_DATASET_MEAN, open_clip.OPENAI_DATASET_STD)
    assert not pretrained_look("ViT-B-32", "laion2b_s34b_b79k")[0]


def test_unknown_models_and_weights_are_refused_with_what_there_is(tmp_path: Path) -> None:
    with pytest.raises(BundleError, match="neither a folder nor a model of open_clip"):
        known_model_cfg("ViT-Z-1", 256)
    with pytest.raises(BundleError, match="laion2b_s34b_b79k"):
        pretrained_file("ViT-B-32", "nothing")
    with pytest.raises(BundleError, match="holds no weights"):
        pretrained_file(str(tmp_path), "")
    (tmp_path / "bad.safetensors").write_bytes(b"no weights")
    with pytest.raises(BundleError, match="cannot be loaded"):
        load_weights(build_towers(tiny_model_cfg()), tmp_path / "bad.safetensors")


def test_weights_that_cannot_be_fetched_are_asked_for_as_a_file(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def unreachable(*_: object, **__: object) -> str:
        raise ConnectionError("no route to host")

    monkeypatch.setattr(open_clip, "download_pretrained", unreachable)
    with pytest.raises(BundleError, match=r"could not be fetched \(no route to host\).*give their"):
        pretrained_file("ViT-B-32", "openai")


def test_a_text_tower_that_needs_another_library_is_refused() -> None:
    with pytest.raises(BundleError, match="needs the library transformers"):
        build_towers(known_model_cfg("roberta-ViT-B-32", 224))


def test_a_shorter_list_of_merges_is_a_whole_tokenizer(tmp_path: Path) -> None:
    small, full = tmp_path / "small.gz", tmp_path / "full.gz"
    write_merges(small, 500)
    write_merges(full, 48894)
    texts = ["Pneumothorax, 3 mm (apical); très étendu! 🫁"]
    theirs = open_clip.get_tokenizer("ViT-B-32")
    ours = open_clip.tokenizer.SimpleTokenizer(bpe_path=str(full))
    assert (ours(texts) == theirs(texts)).all()
    few = open_clip.tokenizer.SimpleTokenizer(bpe_path=str(small))
    assert few.vocab_size == 500 + 512 + 2
    assert few.decode(few.encode(texts[0])).split() == ours.decode(ours.encode(texts[0])).split()
    again = tmp_path / "again.gz"
    write_merges(again, 500)
    assert again.read_bytes() == small.read_bytes()


def test_prompts_must_be_as_many_for_each_finding() -> None:
    uneven = {**class_prompts()}
    uneven[next(iter(uneven))] = ("one",)
    with pytest.raises(BundleError, match="same number"):
        ClipConfig(tiny_model_cfg(), ChannelPlan(), uneven)
