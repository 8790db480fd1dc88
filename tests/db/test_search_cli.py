"""`daug library search` with real, if tiny, networks: files in, hits out."""

import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from app import Tools, main
from daug.augmented import AugmentedRadiograph, ChannelKind, ChannelPlan
from daug.bundle import Bundle, write_bundle
from daug.bundled_models import load_models
from daug.clip_files import save_clip
from daug.embedder import open_embedder
from daug.engine import Engine
from daug.findings import Finding
from daug.loading import load_radiograph
from daug.workstation import finish
from db.database import DATABASE_FILE
from db.library import open_library
from tests.daug.clips import tiny_clip, tiny_tokenizer
from tests.db.drawn import row, write_manifest, write_picture

REPOSITORY = Path(__file__).parents[2]
CPU = torch.device("cpu")
CASES = 8


@pytest.fixture(scope="session")
def searching_bundle(
    make_bundle: Callable[..., Bundle], tmp_path_factory: pytest.TempPathFactory
) -> Bundle:
    """A tiny bundle whose CLIP model looks at one map, and can do without it."""
    bundle = make_bundle(seed=3)
    plan = ChannelPlan(ChannelKind.PAPER, (bundle.recipe_for("no finding"),), 0.5, bundle.digest)
    merges = tiny_tokenizer(tmp_path_factory.mktemp("tokenizer")).merges
    save_clip(tiny_clip(plan, heat_dropout=0.25), merges, bundle.folder / "clip")
    files = [p for p in bundle.folder.rglob("*") if p.is_file() and p.name != "bundle.json"]
    return write_bundle(bundle, [str(p.relative_to(bundle.folder)) for p in files])


@pytest.fixture(scope="session")
def filled(tmp_path_factory: pytest.TempPathFactory, searching_bundle: Bundle) -> Path:
    """A folder with an embedded library of eight cases; copy it before changing anything."""
    folder = tmp_path_factory.mktemp("search")
    rows = [
        row(
            n,
            patient_id=f"p{n // 2}",
            report=f"Effusion {n}.",
            **{
                Finding.EDEMA.value: str(n % 2),
                Finding.NO_FINDING.value: str(int(n in (2, 6))),
                Finding.FRACTURE.value: str((n + 1) % 2),
            },
        )
        for n in range(CASES)
    ]
    manifest = write_manifest(folder, rows)
    assert run("init", "--library", str(folder / "library")) == 0
    words = [str(manifest), "--library", str(folder / "library")]
    assert run("import", *words, "--bundle", str(searching_bundle.folder)) == 0
    return folder


@pytest.fixture
def place(filled: Path, tmp_path: Path) -> Path:
    """A library of its own for each test."""
    shutil.copytree(filled, tmp_path / "place")
    return tmp_path / "place"


def run(*words: str) -> int:
    with pytest.raises(SystemExit) as ended:
        main(["library", *words])
    assert isinstance(ended.value.code, int)
    return ended.value.code


Ask = Callable[..., Any]


@pytest.fixture
def ask(place: Path, searching_bundle: Bundle, capsys: pytest.CaptureFixture[str]) -> Ask:
    """What a command prints with --json; nothing else may stand on standard output."""

    def asked(command: str, *words: str, bundle: bool = True, code: int = 0) -> Any:
        models = ["--bundle", str(searching_bundle.folder)] if bundle else []
        library = ["--library", str(place / "library"), "--json"]
        capsys.readouterr()
        assert run(command, *words, *library, *models) == code
        captured = capsys.readouterr()
        if code:
            assert captured.out == ""
            assert "Traceback" not in captured.err
            return captured.err
        assert captured.err == ""
        return json.loads(captured.out)

    return asked


def ids_of(document: Any) -> list[int]:
    return [hit["case_id"] for hit in document["hits"]]


def test_a_file_is_searched_for_with_its_map_drawn_and_hits_are_those_of_an_exact_scan(
    ask: Ask, place: Path, searching_bundle: Bundle
) -> None:
    """From the file to the ranking by hand: load, draw, embed, compare with all."""
    picture = write_picture(place / "Jane Roe.png", 555)
    told = ask("search", "--image", str(picture), "--k", "5")
    radiograph = load_radiograph(picture)
    embedder, engine = (
        open_embedder(searching_bundle, CPU),
        Engine(load_models(searching_bundle), CPU),
    )
    maps = finish(engine.draw_heatmaps(radiograph, embedder.recipes))
    query = embedder.embed(AugmentedRadiograph.from_heatmaps(radiograph, maps))
    with open_library(place / "library") as library:
        ids, vectors = library.embeddings(embedder.model_digest)
    order = np.argsort(-(vectors @ query.vector), kind="stable")[:5]
    assert ids_of(told) == ids[order].tolist()
    similarities = [hit["similarity"] for hit in told["hits"]]
    assert similarities == pytest.approx((vectors @ query.vector)[order].tolist(), abs=1e-5)
    assert [hit["rank"] for hit in told["hits"]] == [1, 2, 3, 4, 5]
    assert "Roe" not in json.dumps(told)


def test_the_document_holds_what_others_rely_on(ask: Ask) -> None:
    told = ask("search", "--case", "3", "--present", "edema", "--k", "2")
    assert told["query"]["case_id"] == 3
    assert told["query"]["filters"] == {"present": ["Edema"]}
    assert told["query"]["kind"] == "similar"
    assert told["patient_excluded"] is True
    assert told["unlike_anything"] is None  # eight cases are too few to say
    assert (told["embedded"], told["total"], told["allowed"]) == (CASES, CASES, 3)
    assert told["seconds"] > 0
    hit = told["hits"][0]
    assert hit["findings"]["Edema"] == {"state": "present", "source": "imported"}
    assert hit["source"] == "drawn"
    assert hit["report"].startswith("Effusion")
    assert hit["report_kind"] == "real"
    assert hit["synthetic"] is False
    assert hit["alias"] == f"case {hit['case_id']}"
    assert hit["patient_id"]
    assert {"shared", "differing"} <= set(hit)
    rate = next(rate for rate in told["base_rates"] if rate["finding"] == "Edema")
    assert rate["hits"] == {"present": 2, "labelled": 2}
    assert rate["library"] == {"present": 4, "labelled": 8}
    assert rate["sentence"].endswith("library 50 % of those labelled; not this patient's risk")


def test_a_filter_by_day_of_entry_is_told_and_kept(ask: Ask) -> None:
    early = ask("search", "--case", "3", "--added-to", "2001-12-31", "--save", "early")
    assert early["hits"] == []
    assert ask("search", "--saved", "early")["query"]["filters"] == {"added_to": "2001-12-31"}
    assert len(ask("search", "--case", "3", "--added-from", "2001-12-31")["hits"]) == CASES - 2


def test_the_patient_is_left_out_unless_asked_for(ask: Ask) -> None:
    """Cases 1 and 2 are of one patient."""
    everybody = set(range(1, CASES + 1))
    assert set(ids_of(ask("search", "--case", "1"))) == everybody - {1, 2}
    assert set(ids_of(ask("search", "--case", "1", "--same-patient"))) == everybody


def test_text_alone_and_beside_a_radiograph(ask: Ask) -> None:
    alone = ask("search", "--text", "large heart")
    assert len(alone["hits"]) == CASES
    assert alone["patient_excluded"] is False
    assert alone["query"]["image_weight"] is None
    both = ask("search", "--text", "large heart", "--case", "3", "--image-weight", "0.25")
    assert (both["query"]["image_weight"], both["query"]["text_weight"]) == (0.25, 0.75)
    assert both["query"]["text"] == "large heart"


def test_a_text_is_searched_for_without_loading_what_draws(
    ask: Ask, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise AssertionError("the diffusion model was loaded")

    monkeypatch.setattr("daug.bundled_models.load_models", refuse)
    assert ask("search", "--text", "large heart")["hits"]
    assert ask("search", "--case", "2")["hits"]  # its embedding is there already


def test_a_counterfactual_is_searched_for_and_its_recipe_told(ask: Ask) -> None:
    more = ask("search", "--case", "3", "--more", "edema")
    less = ask("search", "--case", "3", "--less", "edema")
    assert more["query"]["change"]["direction"] == "+"
    assert less["query"]["change"]["direction"] == "-"
    assert more["query"]["change"]["super_class"] == less["query"]["change"]["super_class"]
    plain = ask("search", "--case", "3")
    similarities = [[hit["similarity"] for hit in d["hits"]] for d in (plain, more, less)]
    assert similarities[0] != similarities[1] != similarities[2]


def test_nearest_normals_and_look_alikes(ask: Ask) -> None:
    normal = ask("search", "--case", "1", "--kind", "nearest-normal")
    assert sorted(ids_of(normal)) == [3, 7]
    other = ask("search", "--text", "haze", "--kind", "look-alikes", "--shows", "edema")
    assert all(hit["findings"]["Edema"]["state"] == "absent" for hit in other["hits"])
    assert sorted(ids_of(other)) == [1, 3, 5, 7]
    told = ask("search", "--text", "haze", "--kind", "look-alikes", code=1)
    assert "Name its findings" in told


def test_ranking_without_heat_is_another_space(ask: Ask) -> None:
    with_heat, without = (
        ask("search", "--case", "3"),
        ask("search", "--case", "3", "--without-heat"),
    )
    assert with_heat["query"]["model_digest"] != without["query"]["model_digest"]
    assert sorted(ids_of(with_heat)) == sorted(ids_of(without))


def test_a_search_is_kept_made_again_listed_and_deleted(ask: Ask, place: Path) -> None:
    first = ask(
        *("search", "--case", "3", "--text", "haze", "--absent", "fracture", "--k", "3"),
        *("--image-weight", "0.8", "--save", "mine"),
    )
    again = ask("search", "--saved", "mine")
    assert ids_of(again) == ids_of(first)
    assert again["query"] == first["query"]
    picture = write_picture(place / "other.png", 600)
    other = ask("search", "--saved", "mine", "--image", str(picture))
    assert other["query"]["filters"] == {"absent": ["Fracture"]}
    assert other["query"]["pixel_digest"] == load_radiograph(picture).digest
    assert list(ask("searches", bundle=False)["searches"]) == ["mine"]
    assert ask("searches", "--delete", "mine", bundle=False)["searches"] == {}
    assert "no saved search 'mine'" in ask("search", "--saved", "mine", code=1)


def test_a_kept_search_goes_with_the_case_that_it_starts_from(ask: Ask) -> None:
    ask("search", "--case", "3", "--save", "mine")
    ask("remove", "3", bundle=False)
    assert ask("searches", bundle=False)["searches"] == {}


def test_the_log_tells_what_was_asked_and_found(ask: Ask) -> None:
    told = ask("search", "--case", "3", "--k", "2")
    (entry,) = ask("log", bundle=False)["queries"]
    assert [hit["case_id"] for hit in entry["hits"]] == ids_of(told)
    assert entry["case_id"] == 3
    assert entry["query"]["k"] == 2


def test_new_cases_are_found_once_they_are_embedded(ask: Ask, place: Path) -> None:
    fresh = write_manifest(place / "fresh", [row(n) for n in range(50, 53)])
    told = ask("import", str(fresh), "--no-embed", bundle=False)
    assert (told["imported"], told["embedding"]) == (3, None)
    search = ask("search", "--text", "haze", "--k", "50")
    assert (len(search["hits"]), search["embedded"], search["total"]) == (CASES, CASES, CASES + 3)
    indexed = ask("reindex")
    assert (indexed["embedded"], indexed["embedded_in_all"]) == (3, CASES + 3)
    assert len(ask("search", "--text", "haze", "--k", "50")["hits"]) == CASES + 3
    assert ask("reindex")["embedded"] == 0
    assert ask("reindex", "--again")["embedded"] == CASES + 3


def test_one_case_that_is_added_is_embedded_alone(ask: Ask, place: Path) -> None:
    fresh = write_manifest(place / "fresh", [row(50)])
    ask("import", str(fresh), "--no-embed", bundle=False)
    picture = write_picture(place / "one.png", 60)
    added = ask("add", str(picture))
    assert added["embedding"]["embedded"] == 1
    assert ask("search", "--text", "haze")["embedded"] == CASES + 1


def test_a_repeated_import_embeds_what_an_interrupted_one_left(ask: Ask, place: Path) -> None:
    fresh = write_manifest(place / "fresh", [row(n) for n in range(50, 53)])
    ask("import", str(fresh), "--no-embed", bundle=False)
    again = ask("import", str(fresh))
    assert (again["duplicates"], again["embedding"]["embedded"]) == (3, 3)


def test_models_that_cannot_search_still_import_and_say_so(
    ask: Ask,
    place: Path,
    tiny_bundle: Bundle,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    fresh = write_manifest(place / "fresh", [row(50)])
    without = ["--bundle", str(tiny_bundle.folder)]
    assert "holds no clip/ model" in ask("search", "--text", "haze", *without, bundle=False, code=1)
    monkeypatch.setattr(Tools, "open_bundle", lambda *_: tiny_bundle)
    told = ask("import", str(fresh), bundle=False)
    assert told["imported"] == 1
    assert "holds no clip/ model" in told["embedding"]["why_not"]
    named = write_manifest(place / "named", [row(51)])
    library = ["--library", str(place / "library"), "--json"]
    assert run("import", str(named), *library, *without) == 1  # asked for, and not to be had
    captured = capsys.readouterr()
    assert json.loads(captured.out)["imported"] == 1
    assert "holds no clip/ model" in captured.err


def test_the_workstation_has_its_embedder_or_the_reason_why_not(
    searching_bundle: Bundle, tiny_bundle: Bundle
) -> None:
    opened = Tools().open_workstation(searching_bundle.folder, None, searching=True)
    assert opened.embedder is not None
    assert opened.why_no_search == ""
    for_maps = Tools().open_workstation(searching_bundle.folder, None)
    assert for_maps.embedder is None  # whoever only draws does not wait for it
    without = Tools().open_workstation(tiny_bundle.folder, None, searching=True)
    assert without.embedder is None
    assert "holds no clip/ model" in without.why_no_search


def test_the_app_makes_its_library_and_embeds_what_is_not_embedded(
    searching_bundle: Bundle, place: Path, tmp_path: Path
) -> None:
    """Without demonstration cases, for instance in a checkout that lacks them, it is empty."""
    tools = replace(Tools(), demonstration=tmp_path / "not there")
    workstation = tools.open_workstation(searching_bundle.folder, tmp_path / "new", searching=True)
    with tools.open_desk(workstation, tmp_path / "new", demonstration=True) as (desk, library):
        assert (tmp_path / "new" / DATABASE_FILE).is_file()
        assert library.count() == 0
        assert desk.embedding_state().complete
    fresh = write_manifest(place / "fresh", [row(50)])
    with tools.open_desk(workstation, place / "library", demonstration=True) as (desk, library):
        library.import_files([fresh])
        desk.start_embedding()
    with open_library(place / "library") as closed:  # what was begun is finished at the end
        assert workstation.embedder is not None
        assert closed.embedded_count(workstation.embedder.model_digest) >= CASES


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["--case", "99"], "There is no case 99"),
        ([], "There is nothing to look for"),
        (["--more", "edema", "--text", "a"], "A change needs a radiograph"),
        (["--case", "1", "--more", "flu"], "flu"),
        (["--case", "1", "--present", "flu"], "'flu' is no finding"),
        (["--text", "  "], "There is nothing to look for"),
    ],
)
def test_a_failure_is_one_sentence(ask: Ask, words: list[str], sentence: str) -> None:
    assert sentence in ask("search", *words, code=1)


@pytest.mark.parametrize(
    "words",
    [
        ["--case", "1", "--more", "edema", "--less", "edema"],
        ["--case", "1", "--kind", "alike"],
        ["--text", "a", "--image-weight", "2"],
        ["--text", "a", "--k", "0"],
    ],
)
def test_what_cannot_be_meant_is_a_usage_error(
    place: Path, capsys: pytest.CaptureFixture[str], words: list[str]
) -> None:
    assert run("search", *words, "--library", str(place / "library")) == 2
    assert capsys.readouterr().out == ""


def test_a_person_reads_a_table_with_what_the_rates_mean(
    place: Path, searching_bundle: Bundle, capsys: pytest.CaptureFixture[str]
) -> None:
    library = ["--library", str(place / "library"), "--bundle", str(searching_bundle.folder)]
    assert run("search", "--case", "3", "--text", "haze", *library) == 0
    told = capsys.readouterr().out
    assert "Radiographs of the same patient are left out." in told
    assert "The radiograph counts 0.50, the text 0.50." in told
    assert "not this patient's risk" in told
    assert sum("Effusion" in line for line in told.splitlines()) == CASES - 2


def test_a_search_imports_nothing_that_trains_or_shows(place: Path) -> None:
    """The commands are known without torch; `daug --help` stays quick."""
    listing = (
        "import sys, db.cli_search, db.cli_embedding, db.cli_filters;"
        "print(*{name.split('.')[0] for name in sys.modules})"
    )
    loaded = subprocess.run(
        [sys.executable, "-c", listing], cwd=REPOSITORY, capture_output=True, text=True, check=True
    )
    heavy = {"torch", "faiss", "sqlalchemy", "cv2", "pydantic", "pydicom"}
    assert not heavy & set(loaded.stdout.split())
