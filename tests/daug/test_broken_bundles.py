"""Whatever is wrong with a bundle, one sentence says so and names the file that is to blame."""

import json
import pickle
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file

from daug.bundle import BUNDLE_FILE, Bundle, file_digest, read_bundle
from daug.bundled_models import load_models
from daug.errors import BundleError

UNET = "unet/diffusion_pytorch_model.safetensors"
CLASSIFIER = "classifier/model.safetensors"
UNET_CONFIG = "unet/denoiser.json"
CLASSIFIER_CONFIG = "classifier/config.json"
SCHEDULER = "scheduler/scheduler_config.json"


@dataclass(frozen=True)
class Damage:
    """What is done to a bundle's folder, and what the sentence about it must hold."""

    name: str
    file: str
    says: str
    do: Callable[[Path], object]
    sealed: bool = False  # whether the digests are made to fit, as a careless builder's would


def flip_a_byte(file: str) -> Callable[[Path], object]:
    def flip(folder: Path) -> None:
        content = bytearray((folder / file).read_bytes())
        content[-5] ^= 1  # loads without complaint, since safetensors has no checksum
        (folder / file).write_bytes(content)

    return flip


def remove(file: str) -> Callable[[Path], object]:
    return lambda folder: (folder / file).unlink()


def write(file: str, content: bytes) -> Callable[[Path], object]:
    def put(folder: Path) -> None:
        (folder / file).parent.mkdir(exist_ok=True)
        (folder / file).write_bytes(content)

    return put


def change(file: str, *way: str | int, to: Any) -> Callable[[Path], object]:
    """Set the value at the end of the way, or take it away if it is to be `...`."""

    def set_value(folder: Path) -> None:
        values = at = json.loads((folder / file).read_text("utf-8"))
        for key in way[:-1]:
            at = at[key]
        if to is ...:
            del at[way[-1]]
        else:
            at[way[-1]] = to
        (folder / file).write_text(json.dumps(values), encoding="utf-8")

    return set_value


def set_weights(file: str, name: str, value: float) -> Callable[[Path], object]:
    def fill(folder: Path) -> None:
        weights = {key: tensor.clone() for key, tensor in load_file(folder / file).items()}
        weights[name].fill_(value)
        save_file(weights, folder / file)

    return fill


def endless_scale(folder: Path) -> None:
    text = (folder / BUNDLE_FILE).read_text("utf-8")
    (folder / BUNDLE_FILE).write_text(text.replace('"scale": 5.0', '"scale": 1e999'), "utf-8")


def swap_weights(folder: Path) -> None:
    (folder / UNET).write_bytes((folder / CLASSIFIER).read_bytes())


def save_as_pickle(folder: Path) -> None:
    torch.save({"head.1.bias": torch.zeros(7)}, folder / CLASSIFIER)


def described(name: str, says: str, *way: str | int, to: Any) -> Damage:
    return Damage(name, BUNDLE_FILE, says, change(BUNDLE_FILE, *way, to=to))


SHIPPED = (UNET, CLASSIFIER, UNET_CONFIG, CLASSIFIER_CONFIG, SCHEDULER, "unet/config.json")
OTHER_TYPES: dict[str, object] = {
    "name": 3,
    "version": None,
    "image_size": 32.5,
    "files": {"unet/config.json": 7},
    "measured": [],
    "training": "long",
}
NO_NETWORK: dict[str, object] = {"patch": 3, "channels": "wide", "image_size": "32", "new": 1}
DAMAGES = [
    *(
        Damage("a byte flipped", f, "not the file that was shipped", flip_a_byte(f))
        for f in SHIPPED
    ),
    *(Damage("gone", f, "is missing", remove(f)) for f in SHIPPED),
    Damage("gone", BUNDLE_FILE, "holds no bundle.json", remove(BUNDLE_FILE)),
    Damage("not listed", "clip/a.safetensors", "is not listed", write("clip/a.safetensors", b"")),
    Damage("not listed", "unet/a.json", "is not listed", write("unet/a.json", b"{}")),
    Damage("a pickle beside", "unet/a.bin", "is not listed", write("unet/a.bin", b"\x80\x02.")),
    described("its digest left out", f"{UNET} is not listed", "files", UNET, to=...),
    described("a pickle listed", "can run code", "files", "unet/a.bin", to="0" * 64),
    described("a checkpoint listed", "can run code", "files", "unet/a.pt", to="0" * 64),
    described("outside the folder", "not a path inside", "files", "../a.json", to="0" * 64),
    Damage("broken JSON", BUNDLE_FILE, "is not JSON", write(BUNDLE_FILE, b'{"format": 1,')),
    Damage("no text", BUNDLE_FILE, "is not JSON", write(BUNDLE_FILE, b"\xff\xfe")),
    Damage("endlessly deep", BUNDLE_FILE, "is not JSON", write(BUNDLE_FILE, b"[" * 100_000)),
    Damage("endlessly long", BUNDLE_FILE, "is not JSON", write(BUNDLE_FILE, b"1" * 5000)),
    Damage("a list", BUNDLE_FILE, "is not a bundle of format 1", write(BUNDLE_FILE, b"[]")),
    described("of the future", "is a bundle of format 2, but this DAug reads", "format", to=2),
    described("of no format", "is not a bundle of format 1", "format", to=...),
    *(
        described("a key lacks", f"lacks '{key}'", key, to=...)
        for key in ("name", "version", "image_size", "classes", "recipe", "heat_scale", "files")
    ),
    described("a key lacks inside", "lacks 'findings'", "classes", 0, "findings", to=...),
    described("an unknown key inside", "wishes", "heat_scale", "wishes", to=1),
    *(
        described(f"{key} of another type", f"{BUNDLE_FILE}: {key}", key, to=value)
        for key, value in OTHER_TYPES.items()
    ),
    described("a number as text", "image_size", "image_size", to="32"),
    described("classes as text", "cannot be understood", "classes", to="Pleural"),
    described("files as a list", "files", "files", to=[]),
    described(
        "a count of another type", "positives", "classes", 0, "training", "positives", to="x"
    ),
    described("an unknown finding", "Ghosts", "classes", 0, "findings", 0, to="Ghosts"),
    described("no super-class", "super-classes with names that differ", "classes", to=[]),
    described("a class twice", "names that differ", "classes", 1, "name", to="No Finding"),
    described("no pixels", "image_size of 1 or more", "image_size", to=0),
    described("NaN as a figure", "is no number", "measured", to={"auroc": float("nan")}),
    Damage(
        "an endless scale", BUNDLE_FILE, "recipe.scale: Input should be a finite", endless_scale
    ),
    described("an impossible recipe", "num_steps", "recipe", "num_steps", to=-1),
    described("an unknown encoder", "magic", "recipe", "encoder", to="magic"),
    described("an upside-down scale", "must rise", "heat_scale", "mark", to=1.9),
    described("classes in another order", CLASSIFIER_CONFIG, "classes", 0, "name", to="Ghosts"),
    Damage(
        "another class list",
        CLASSIFIER_CONFIG,
        "but bundle.json lists",
        change(CLASSIFIER_CONFIG, "classes", 0, to="Ghosts"),
        sealed=True,
    ),
    *(
        Damage("another size", f, "is made for 64 px", change(f, "image_size", to=64), sealed=True)
        for f in (UNET_CONFIG, CLASSIFIER_CONFIG)
    ),
    *(
        Damage(
            "another shape",
            weights,
            f"does not fit {config}",
            change(config, "channels", to=[32, 64]),
            sealed=True,
        )
        for config, weights in ((UNET_CONFIG, UNET), (CLASSIFIER_CONFIG, CLASSIFIER))
    ),
    *(
        Damage(
            f"{key} = {value!r}",
            config,
            "is no configuration",
            change(config, key, to=value),
            sealed=True,
        )
        for config in (UNET_CONFIG, CLASSIFIER_CONFIG)
        for key, value in NO_NETWORK.items()
    ),
    *(
        Damage("no JSON", f, "is no", write(f, content), sealed=True)
        for f in (UNET_CONFIG, CLASSIFIER_CONFIG, SCHEDULER)
        for content in (b"", b"[]", b"\xff")
    ),
    Damage(
        "another schedule",
        SCHEDULER,
        "is no noise schedule",
        change(SCHEDULER, "num_train_timesteps", to=10),
        sealed=True,
    ),
    Damage(
        "an unknown schedule",
        SCHEDULER,
        "is no noise schedule",
        change(SCHEDULER, "beta_schedule", to="magic"),
        sealed=True,
    ),
    Damage("weights of the other", UNET, "does not fit", swap_weights, sealed=True),
    Damage("weights as a pickle", CLASSIFIER, "is no safetensors", save_as_pickle, sealed=True),
    *(
        Damage(f"weights {content[:9]!r}", f, "is no safetensors", write(f, content), sealed=True)
        for f in (UNET, CLASSIFIER)
        for content in (b"", pickle.dumps({"a": 1}), b"version https://git-lfs.github.com")
    ),
    *(
        Damage(
            f"a weight is {value}",
            file,
            name,
            set_weights(file, name, value),
            sealed=True,
        )
        for file, name in ((UNET, "conv_out.bias"), (CLASSIFIER, "head.1.bias"))
        for value in (float("nan"), float("inf"))
    ),
    *(
        Damage(
            "answers endlessly",
            file,
            "answers a first try with values that are not numbers",
            set_weights(file, name, 3e38),
            sealed=True,
        )
        for file, name in ((UNET, "conv_norm_out.weight"), (CLASSIFIER, "head.1.weight"))
    ),
]


def seal(folder: Path) -> None:
    """Make the digests of a bundle fit its files."""
    path = folder / BUNDLE_FILE
    values = json.loads(path.read_text("utf-8"))
    values["files"] = {name: file_digest(folder / name) for name in values["files"]}
    path.write_text(json.dumps(values), encoding="utf-8")


@pytest.mark.parametrize("damage", DAMAGES, ids=lambda d: f"{d.file}: {d.name}")
def test_every_damage_is_told_in_one_sentence_that_names_the_file(
    tiny_bundle: Bundle, tmp_path: Path, damage: Damage
) -> None:
    folder = tmp_path / "bundle"
    shutil.copytree(tiny_bundle.folder, folder)
    damage.do(folder)
    if damage.sealed:
        seal(folder)
    with pytest.raises(BundleError) as raised:
        load_models(read_bundle(folder))
    sentence = str(raised.value)
    assert damage.file in sentence
    assert damage.says in sentence
    assert "\n" not in sentence
    assert len(sentence) < 600


def test_cards_and_what_a_hub_or_git_keeps_for_itself_do_no_harm(
    tiny_bundle: Bundle, tmp_path: Path
) -> None:
    folder = tmp_path / "bundle"
    shutil.copytree(tiny_bundle.folder, folder)
    for name in ("MODEL_CARD.md", "README.md", ".gitattributes", ".cache/huggingface/a.json"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text("a")
    load_models(read_bundle(folder))


def test_the_command_line_tells_it_on_standard_error_and_exits_1(
    tiny_bundle: Bundle, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    from app import main

    folder = tmp_path / "bundle"
    shutil.copytree(tiny_bundle.folder, folder)
    flip_a_byte(UNET)(folder)
    for command in ("verify", "push"):
        words = ["bundle", command, str(folder), *(["a/b"] if command == "push" else []), "--json"]
        with pytest.raises(SystemExit) as end:
            main(words)
        printed = capsys.readouterr()
        assert end.value.code == 1
        assert printed.out == ""
        assert f"{UNET} is not the file that was shipped" in printed.err


def test_a_card_is_not_written_from_figures_that_mean_nothing(
    tiny_bundle: Bundle, tmp_path: Path
) -> None:
    from trainers.model_card import write_card

    folder = tmp_path / "bundle"
    shutil.copytree(tiny_bundle.folder, folder)
    change(BUNDLE_FILE, "measured", to={"classifier": {"rows": [{}]}})(folder)
    with pytest.raises(BundleError, match=r"bundle\.json: `measured` cannot be understood"):
        write_card(folder)
    assert not (folder / "MODEL_CARD.md").exists()
