"""CheXbert answers in its own order of findings and classes, from weights that cannot run code."""

import csv
import json
import pickle
import sys
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor, nn
from typer.testing import CliRunner

from app import app
from daug.errors import BundleError
from daug.findings import Finding
from trainers.labeller.chexbert import (
    BATCH,
    ORDER,
    ChexbertLabeller,
    labels_of,
    open_chexbert,
)
from trainers.labeller.chexbert_weights import CLASSES, ChexbertWeights, read_chexbert

WIDTH, WORDS, LONGEST = 64, 30, 12
START, END = 2, 3
CPU = torch.device("cpu")


def bert_tensors(layers: int = 2) -> dict[str, Tensor]:
    """A tiny BERT by the names that transformers gives, two layers of one head."""
    generator = torch.Generator().manual_seed(0)

    def some(*shape: int) -> Tensor:
        return torch.randn(*shape, generator=generator) * 0.2

    tensors = {
        "embeddings.word_embeddings.weight": some(WORDS, WIDTH),
        "embeddings.position_embeddings.weight": some(LONGEST, WIDTH),
        "embeddings.token_type_embeddings.weight": some(2, WIDTH),
        "embeddings.LayerNorm.weight": torch.ones(WIDTH),
        "embeddings.LayerNorm.bias": torch.zeros(WIDTH),
        "pooler.dense.weight": some(WIDTH, WIDTH),
        "pooler.dense.bias": some(WIDTH),
    }
    for layer in range(layers):
        for name, out, into in (
            ("attention.self.query", WIDTH, WIDTH),
            ("attention.self.key", WIDTH, WIDTH),
            ("attention.self.value", WIDTH, WIDTH),
            ("attention.output.dense", WIDTH, WIDTH),
            ("intermediate.dense", 96, WIDTH),
            ("output.dense", WIDTH, 96),
        ):
            tensors[f"encoder.layer.{layer}.{name}.weight"] = some(out, into)
            tensors[f"encoder.layer.{layer}.{name}.bias"] = some(out)
        for name in ("attention.output.LayerNorm", "output.LayerNorm"):
            tensors[f"encoder.layer.{layer}.{name}.weight"] = torch.ones(WIDTH)
            tensors[f"encoder.layer.{layer}.{name}.bias"] = torch.zeros(WIDTH)
    return tensors


def checkpoint(heads: Sequence[int] = CLASSES) -> dict[str, Tensor]:
    """Tensors named as the published file names them."""
    generator = torch.Generator().manual_seed(1)
    tensors = {f"module.bert.{name}": tensor for name, tensor in bert_tensors().items()}
    tensors["module.bert.embeddings.position_ids"] = torch.arange(LONGEST)[None]
    for n, classes in enumerate(heads):
        tensors[f"module.linear_heads.{n}.weight"] = torch.randn(
            classes, WIDTH, generator=generator
        )
        tensors[f"module.linear_heads.{n}.bias"] = torch.zeros(classes)
    return tensors


def published(path: Path, heads: Sequence[int] = CLASSES) -> Path:
    torch.save({"epoch": 3, "loss": 0.5, "model_state_dict": checkpoint(heads)}, path)
    return path


# What the heads' answers mean


def test_heads_and_classes_are_in_the_authors_order() -> None:
    assert [str(finding) for finding in ORDER] == [
        "Enlarged Cardiomediastinum", "Cardiomegaly", "Lung Opacity", "Lung Lesion", "Edema",
        "Consolidation", "Pneumonia", "Atelectasis", "Pneumothorax", "Pleural Effusion",
        "Pleural Other", "Fracture", "Support Devices", "No Finding",
    ]  # fmt: skip
    assert labels_of([0, 1, 2, 3, *[0] * 9, 1]) == {
        Finding.NO_FINDING: 1,
        Finding.CARDIOMEGALY: 1,
        Finding.LUNG_OPACITY: 0,
        Finding.LUNG_LESION: -1,
    }
    assert labels_of([0] * 14) == {}


# What is read of a file


@pytest.mark.parametrize("kind", ["published", "safetensors"])
def test_both_forms_of_the_weights_are_the_same_weights(tmp_path: Path, kind: str) -> None:
    path = tmp_path / ("c.pth" if kind == "published" else "c.safetensors")
    if kind == "published":
        published(path)
    else:
        save_file(checkpoint(), path)
    read = read_chexbert(path)
    expected = bert_tensors()
    assert read.bert.keys() == expected.keys()
    assert all(torch.equal(read.bert[name], expected[name]) for name in expected)
    assert len(read.heads) == 14
    assert read.shape == {
        "vocab_size": WORDS,
        "hidden_size": WIDTH,
        "num_hidden_layers": 2,
        "num_attention_heads": 1,
        "intermediate_size": 96,
        "max_position_embeddings": LONGEST,
    }


class Runs:
    """What a pickle could hold."""

    ran = False

    def __reduce__(self) -> tuple[Any, ...]:
        return (setattr, (Runs, "ran", True))


def test_a_pickle_that_would_run_code_is_refused_and_nothing_runs(tmp_path: Path) -> None:
    torch.save({"model_state_dict": checkpoint(), "more": Runs()}, tmp_path / "c.pth")
    with pytest.raises(BundleError, match=r"c\.pth is not opened.*\.safetensors"):
        read_chexbert(tmp_path / "c.pth")
    for protocol in (2, 5):
        path = tmp_path / f"{protocol}.pth"
        path.write_bytes(pickle.dumps({"model_state_dict": Runs()}, protocol))
        with pytest.raises(BundleError, match=r"\.pth is not opened"):
            read_chexbert(path)
    assert not Runs.ran


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "cannot be read|is not opened"),
        (b"no weights at all", "cannot be read|is not opened"),
        ({"model_state_dict": {"a": torch.zeros(2)}}, "is no CheXbert: it has 0 of 14 heads"),
        ({"model_state_dict": {"a": 3}}, "holds no model_state_dict of tensors"),
        ([torch.zeros(2)], "holds no model_state_dict of tensors"),
    ],
)
def test_what_is_no_chexbert_is_said(tmp_path: Path, content: Any, said: str) -> None:
    path = tmp_path / "c.pth"
    if isinstance(content, bytes):
        path.write_bytes(content)
    else:
        torch.save(content, path)
    with pytest.raises(BundleError, match=said):
        read_chexbert(path)


@pytest.mark.parametrize("heads", [CLASSES[:13], (*CLASSES, 4), (2, *CLASSES[1:]), (4,) * 14])
def test_other_heads_are_refused(tmp_path: Path, heads: Sequence[int]) -> None:
    with pytest.raises(BundleError, match=r"is no CheXbert|classes apart"):
        read_chexbert(published(tmp_path / "c.pth", heads))


def test_a_damaged_safetensors_file_is_said(tmp_path: Path) -> None:
    (tmp_path / "c.safetensors").write_bytes(b"\x00" * 40)
    with pytest.raises(BundleError, match=r"cannot be read"):
        read_chexbert(tmp_path / "c.safetensors")


# How reports are read: with a network and pieces whose answers are known


class LastWord(nn.Module):
    """Puts the one-hot code of the last piece before [SEP] at the place of [CLS]."""

    def __init__(self) -> None:
        super().__init__()
        self.seen: list[tuple[int, ...]] = []

    def forward(self, numbers: Tensor, attention_mask: Tensor) -> tuple[Tensor]:
        self.seen.append(tuple(numbers.shape))
        hidden = torch.zeros(*numbers.shape, WIDTH)
        for row, length in enumerate(attention_mask.sum(dim=1).tolist()):
            assert numbers[row, length - 1] == END
            hidden[row, 0, numbers[row, length - 2]] = 1
        return (hidden,)


class Letters:
    """Every word is the number of its first letter."""

    end = END

    def numbers(self, reports: Sequence[str]) -> list[list[int]]:
        assert all(report == " ".join(report.split()) for report in reports)
        return [[START, *(ord(w[0]) - 92 for w in report.split()), END] for report in reports]


def letters_labeller() -> tuple[ChexbertLabeller, LastWord]:
    """Class k of head h is likeliest where the last word begins with the letter a + (h + k) % 4."""
    heads = []
    for head, classes in enumerate(CLASSES):
        weight = torch.zeros(classes, WIDTH)
        for letter in range(4):
            weight[(letter - head) % 4 % classes, ord("a") - 92 + letter] = 1.0
        heads.append((weight, torch.zeros(classes)))
    network = LastWord()
    return ChexbertLabeller(
        network, ChexbertWeights(bert_tensors(), tuple(heads)), Letters(), CPU
    ), network


def expected(letter: str) -> dict[Finding, int]:
    n = ord(letter) - ord("a")
    return dict(labels_of([(n - head) % 4 % classes for head, classes in enumerate(CLASSES)]))


def test_each_report_gets_its_own_answer_whatever_is_read_beside_it() -> None:
    labeller, network = letters_labeller()
    letters = [chr(ord("a") + n % 4) for n in range(3 * BATCH + 1)]
    reports = ["a " * (n % 7) + letter for n, letter in enumerate(letters)]
    assert labeller.label(reports) == [expected(letter) for letter in letters]
    assert max(rows for rows, _ in network.seen) == BATCH
    assert labeller.label([reports[5]]) == [expected(letters[5])]


def test_white_space_says_nothing_and_a_blank_report_gets_no_label() -> None:
    labeller, network = letters_labeller()
    assert labeller.label(["\n a\t\n  b \n", "  \n", ""]) == [expected("b"), {}, {}]
    assert network.seen == [(1, 4)]
    assert labeller.label([]) == []


def test_what_was_only_asked_is_not_read() -> None:
    labeller, network = letters_labeller()
    asked = "INDICATION: a b c d?\n\nCOMPARISON: a b\n\n"
    assert labeller.label([f"{asked}a b", asked]) == [expected("b"), {}]
    assert network.seen == [(1, 4)]


def test_a_long_report_is_cut_and_still_ends_as_it_should() -> None:
    labeller, network = letters_labeller()
    words = ["a"] * 9 + ["b", "c", "d", "d"]
    assert labeller.label([" ".join(words)]) == [expected("b")]
    assert network.seen == [(1, LONGEST)]


# The command


def report_table(folder: Path) -> Path:
    path = folder / "reports.csv"
    path.write_text("id,report\n1,Cardiomegaly.\n2,\n", encoding="utf-8")
    return path


def test_without_transformers_it_is_said_how_to_go_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "transformers", None)
    (tmp_path / "vocab.txt").write_text("[PAD]\n")
    with pytest.raises(BundleError, match=r"needs the package transformers.*--labeller rules"):
        open_chexbert(published(tmp_path / "c.pth"))


def test_without_a_vocabulary_it_is_said_which(tmp_path: Path) -> None:
    with pytest.raises(BundleError, match=r"Put vocab\.txt of bert-base-uncased beside"):
        open_chexbert(published(tmp_path / "c.pth"))


@pytest.mark.parametrize(
    "options",
    [
        ["--labeller", "chexbert"],
        ["--weights", "WEIGHTS"],
        ["--labeller", "chexbert", "--weights", "WEIGHTS", "--words", "."],
        ["--labeller", "neither"],
    ],
)
def test_options_that_do_not_belong_together_are_refused(
    tmp_path: Path, options: list[str]
) -> None:
    weights = str(published(tmp_path / "c.pth"))
    given = [weights if option == "WEIGHTS" else option for option in options]
    table = report_table(tmp_path)
    output = tmp_path / "out.csv"
    outcome = CliRunner().invoke(app, ["label", str(table), "-o", str(output), *given])
    assert outcome.exit_code == 2
    assert not output.exists()


def test_the_command_labels_with_the_labeller_that_is_chosen(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    labeller, _ = letters_labeller()
    asked: list[tuple[object, ...]] = []

    def opened(*given: object) -> ChexbertLabeller:
        asked.append(given)
        return labeller

    monkeypatch.setattr("trainers.labeller.chexbert.open_chexbert", opened)
    monkeypatch.setattr("trainers.label_cli.start_log", lambda: None)
    weights = published(tmp_path / "c.pth")
    table = tmp_path / "reports.csv"
    table.write_text("id,report\n1,a b\n2,\n", encoding="utf-8")
    output = tmp_path / "out.csv"
    arguments = ["label", str(table), "-o", str(output), "--labeller", "chexbert"]
    outcome = CliRunner().invoke(app, [*arguments, "--weights", str(weights)])
    assert outcome.exception is None
    assert asked[0][:2] == (weights, None)
    first, second = csv.DictReader(output.read_text(encoding="utf-8").splitlines())
    told = {finding: first[finding] for finding in Finding if first[finding]}
    assert told == {finding: str(label) for finding, label in expected("b").items()}
    assert second["text_derived"] == ""


# With the real BERT of transformers, and weights that mean nothing


PIECES = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "heart", "no", "edema", ".", "##s")


def vocabulary(folder: Path, count: int = WORDS) -> Path:
    """A vocabulary of so many pieces."""
    words = [*PIECES, *(f"w{n}" for n in range(count - len(PIECES)))][:count]
    path = folder / "vocab.txt"
    path.write_text("\n".join(words) + "\n", encoding="utf-8")
    return path


def answers(read: ChexbertWeights, pieces: Sequence[int]) -> dict[Finding, int]:
    """What the heads say of a report, asked without the labeller."""
    transformers: Any = import_module("transformers")
    bert = transformers.BertModel(transformers.BertConfig(**read.shape))
    bert.load_state_dict(dict(read.bert), strict=False)
    bert.eval()
    with torch.inference_mode():
        start = bert(torch.tensor([list(pieces)]))[0][:, 0]
    return dict(labels_of([int((start @ w.T + b).argmax()) for w, b in read.heads]))


def test_the_real_bert_reads_lower_case_pieces_between_its_marks(tmp_path: Path) -> None:
    vocabulary(tmp_path)
    path = published(tmp_path / "c.pth")
    labels = open_chexbert(path).label(["No edema.", "", "Hearts " * 20])
    read = read_chexbert(path)
    assert labels[0] == answers(read, [START, 6, 7, 8, END])
    assert labels[1] == {}
    cut = [START, *[5, 9] * 5, END]  # twelve pieces are as many as these weights know
    assert labels[2] == answers(read, cut)


def test_a_vocabulary_may_lie_elsewhere_and_be_named_by_its_folder(tmp_path: Path) -> None:
    (tmp_path / "words").mkdir()
    words = vocabulary(tmp_path / "words")
    path = published(tmp_path / "c.pth")
    by_file, by_folder = open_chexbert(path, words), open_chexbert(path, words.parent)
    assert by_file.label(["no heart"]) == by_folder.label(["no heart"]) != [{}]


def test_a_vocabulary_of_another_size_is_refused(tmp_path: Path) -> None:
    vocabulary(tmp_path, 20)
    with pytest.raises(BundleError, match="The vocabulary has 20 pieces, the weights know 30"):
        open_chexbert(published(tmp_path / "c.pth"))


@pytest.mark.parametrize("name", ["pooler.dense.bias", "encoder.layer.1.output.dense.weight"])
def test_a_bert_that_lacks_a_part_is_refused(tmp_path: Path, name: str) -> None:
    tensors = checkpoint()
    del tensors[f"module.bert.{name}"]
    save_file(tensors, tmp_path / "c.safetensors")
    vocabulary(tmp_path)
    with pytest.raises(BundleError, match=rf"{name} is missing"):
        open_chexbert(tmp_path / "c.safetensors")


def test_the_tables_of_a_labeller_can_be_made_of_chexbert_too(tmp_path: Path) -> None:
    vocabulary(tmp_path)
    path = published(tmp_path / "c.pth")
    reports = tmp_path / "reports"
    reports.mkdir()
    for name, said in (("CXR1", "No edema."), ("CXR2", "Heart.")):
        (reports / f"{name}.xml").write_text(
            f"<eCitation><Abstract><AbstractText Label='INDICATION'>Heart?</AbstractText>"
            f"<AbstractText Label='FINDINGS'>{said}</AbstractText></Abstract>"
            "<MeSH><major>normal</major></MeSH></eCitation>",
            encoding="utf-8",
        )
    arguments = ["evaluate", "labeller", str(reports), "-o", str(tmp_path / "tables")]
    chosen = ["--labeller", "chexbert", "--weights", str(path), "--json"]
    outcome = CliRunner().invoke(app, [*arguments, *chosen])
    assert outcome.exit_code == 0, outcome.output
    document = json.loads((tmp_path / "tables" / "labeller.json").read_text(encoding="utf-8"))
    assert document["labeller"] == "chexbert"
    told = open_chexbert(path).label(["FINDINGS: No edema.", "FINDINGS: Heart."])
    present = sum(found.get(Finding.NO_FINDING) == 1 for found in told)
    first = next(iter(document["tables"].values()))
    recall = next(row["recall"]["value"] for row in first if row["name"] == "No Finding")
    assert recall == present / len(told)
