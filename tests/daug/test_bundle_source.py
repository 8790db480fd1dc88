"""A bundle comes from a folder, or from a hub where somebody says so, and from there unchanged."""

import json
import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from huggingface_hub import constants

from daug.bundle import BUNDLE_FILE, Bundle, read_bundle, write_bundle
from daug.bundle_source import bundle_folder, open_bundle, push_bundle
from daug.errors import BundleError
from tests.daug.fake_hub import FakeHub

REPOSITORY = Path(__file__).parents[2]
NAME = "clinic/cxr"
ADDRESS = f"hf://{NAME}"
WEIGHTS = "classifier/model.safetensors"


@pytest.fixture(autouse=True)
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A cache of huggingface_hub that is empty, and nobody's token."""
    cache = tmp_path / "cache"
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(cache))
    monkeypatch.setattr(constants, "HF_TOKEN_PATH", str(tmp_path / "token"))
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    monkeypatch.setenv("HF_TOKEN", "a-token")
    return cache


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeHub]:
    """An empty hub, which huggingface_hub takes for the real one."""
    with FakeHub().serving() as hub:
        monkeypatch.setenv("HF_ENDPOINT", hub.address)
        yield hub


@pytest.fixture
def stocked(hub: FakeHub, tiny_bundle: Bundle) -> FakeHub:
    """A hub that holds the tiny bundle, and files beside it that nobody should fetch."""
    folder = tiny_bundle.folder
    files = {name: (folder / name).read_bytes() for name in (BUNDLE_FILE, *tiny_bundle.files)}
    beside = {"weights.bin": b"\x80\x02.", "old.pt": b"PK", ".gitattributes": b"", "a.py": b""}
    hub.repositories[NAME] = {**files, **beside}
    return hub


@pytest.fixture
def nothing_listens(monkeypatch: pytest.MonkeyPatch) -> None:
    """A network on which the hub is not."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"http://127.0.0.1:{free.getsockname()[1]}"
    monkeypatch.setenv("HF_ENDPOINT", address)


def test_a_bundle_comes_from_the_hub_as_it_is(stocked: FakeHub, tiny_bundle: Bundle) -> None:
    found = open_bundle(ADDRESS)
    assert found.digest == tiny_bundle.digest
    found.verify_files()
    fetched = {p.relative_to(found.folder).as_posix() for p in found.folder.rglob("*.*")}
    assert fetched == {BUNDLE_FILE, *tiny_bundle.files}  # no pickle, no program


def test_the_address_may_come_as_a_path_as_the_command_line_makes_it(stocked: FakeHub) -> None:
    assert bundle_folder(Path(ADDRESS)) == bundle_folder(ADDRESS)


def test_a_revision_is_asked_for_by_its_name(stocked: FakeHub) -> None:
    bundle_folder(f"{ADDRESS}@v1.2")
    assert any("/revision/v1.2" in asked for asked in stocked.asked)


def test_what_is_in_the_cache_is_used_without_a_network(stocked: FakeHub) -> None:
    first = bundle_folder(ADDRESS)
    asked = len(stocked.asked)
    assert bundle_folder(ADDRESS) == first
    assert len(stocked.asked) == asked


def test_a_fetch_that_broke_off_is_finished_the_next_time(
    stocked: FakeHub, tiny_bundle: Bundle
) -> None:
    (bundle_folder(ADDRESS) / WEIGHTS).unlink()
    open_bundle(ADDRESS).verify_files()


def test_the_hub_learns_nothing_of_this_machine(
    stocked: FakeHub, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_HUB_DISABLE_TELEMETRY", "0")
    monkeypatch.setattr(constants, "HF_HUB_DISABLE_TELEMETRY", False)  # as where nobody asked
    bundle_folder(ADDRESS)
    assert os.environ["HF_HUB_DISABLE_TELEMETRY"] == "1"  # for whatever is started from here
    assert not [asked for asked in stocked.asked if f"/{NAME}" not in asked]
    assert not [told for told in stocked.told if "torch" in told["user-agent"]]


def test_a_folder_is_tried_first_and_asks_nobody(
    stocked: FakeHub, tiny_bundle: Bundle, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    shutil.copytree(tiny_bundle.folder, Path(ADDRESS))  # a folder of that very name
    assert bundle_folder(ADDRESS) == Path(ADDRESS)
    assert bundle_folder(tiny_bundle.folder) == tiny_bundle.folder
    assert bundle_folder(NAME) == Path(NAME)  # looks like a repository, but is not named as one
    with pytest.raises(BundleError, match=r"holds no bundle\.json"):
        open_bundle(NAME)
    assert stocked.asked == []


@pytest.mark.parametrize(
    "address", ["hf://", "hf://alone", "hf://a/b/c", "hf://a/b@", "hf://a b/c"]
)
def test_an_address_of_no_repository_is_refused_unasked(hub: FakeHub, address: str) -> None:
    with pytest.raises(BundleError, match=r"Write hf://owner/name\[@revision\]"):
        bundle_folder(address)
    assert hub.asked == []


@pytest.mark.usefixtures("nothing_listens")
def test_without_a_network_the_sentence_says_to_give_a_folder() -> None:
    with pytest.raises(
        BundleError,
        match=r"^hf://clinic/cxr cannot be fetched \(.*refused\)\. Check its name and the network, "
        r"or give the path of a folder that holds the bundle\.$",
    ):
        bundle_folder(ADDRESS)


def test_offline_by_wish_the_hub_is_not_asked(
    stocked: FakeHub, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    with pytest.raises(BundleError, match=r"cannot be fetched .* give the path of a folder"):
        bundle_folder(ADDRESS)
    assert stocked.asked == []


def test_a_repository_that_is_not_there_is_told_in_one_sentence(hub: FakeHub) -> None:
    with pytest.raises(BundleError, match=r"^hf://clinic/cxr cannot be fetched \([^\n]*\)\. Check"):
        bundle_folder(ADDRESS)


def test_a_repository_that_holds_no_bundle_is_refused(hub: FakeHub) -> None:
    hub.repositories[NAME] = {"config.json": b"{}"}
    with pytest.raises(BundleError, match=r"hf://clinic/cxr is not used: .* holds no bundle\.json"):
        bundle_folder(ADDRESS)


def test_weights_that_were_tampered_with_are_refused(stocked: FakeHub) -> None:
    files = stocked.repositories[NAME]
    files[WEIGHTS] = files[WEIGHTS][:-1] + bytes([files[WEIGHTS][-1] ^ 1])
    with pytest.raises(BundleError, match=f"hf://clinic/cxr is not used: tiny: {WEIGHTS} is not"):
        bundle_folder(ADDRESS)


def test_a_cache_that_was_tampered_with_is_refused(stocked: FakeHub) -> None:
    weights = bundle_folder(ADDRESS) / WEIGHTS
    content = weights.read_bytes()
    weights.unlink()
    weights.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
    with pytest.raises(BundleError, match=f"is not used: tiny: {WEIGHTS} is not the file"):
        bundle_folder(ADDRESS)


def test_weights_that_no_digest_vouches_for_are_refused(stocked: FakeHub) -> None:
    files = stocked.repositories[NAME]
    description = json.loads(files[BUNDLE_FILE])
    del description["files"][WEIGHTS]
    files[BUNDLE_FILE] = json.dumps(description).encode()
    with pytest.raises(BundleError, match=f"{WEIGHTS} is not listed"):
        bundle_folder(ADDRESS)


def test_a_bundle_goes_up_whole_and_comes_back_the_same(hub: FakeHub, tiny_bundle: Bundle) -> None:
    assert push_bundle(tiny_bundle, NAME) == f"{hub.address}/{NAME}"
    assert set(hub.repositories[NAME]) == {BUNDLE_FILE, *tiny_bundle.files}
    assert hub.private == set()
    assert open_bundle(ADDRESS).digest == tiny_bundle.digest


def test_what_an_older_bundle_left_behind_is_removed_and_what_is_not_ours_stays(
    stocked: FakeHub, tiny_bundle: Bundle
) -> None:
    stocked.repositories[NAME] |= {"student/model.safetensors": b"", "README.md": b"by hand"}
    push_bundle(tiny_bundle, NAME)
    there = stocked.repositories[NAME]
    assert "student/model.safetensors" not in there
    assert {"README.md", ".gitattributes"} <= set(there)
    open_bundle(ADDRESS).verify_files()


def test_a_private_repository_is_made_private(hub: FakeHub, tiny_bundle: Bundle) -> None:
    push_bundle(tiny_bundle, NAME, private=True)
    assert hub.private == {NAME}


def test_a_bundle_that_is_not_whole_is_not_uploaded(
    hub: FakeHub, make_bundle: Callable[..., Bundle]
) -> None:
    bundle = make_bundle()
    (bundle.folder / WEIGHTS).write_bytes(b"")
    with pytest.raises(BundleError, match=f"{WEIGHTS} is not the file"):
        push_bundle(bundle, NAME)
    with pytest.raises(BundleError, match="lists no files"):
        push_bundle(write_bundle(bundle, []), NAME)
    assert hub.asked == []


@pytest.mark.parametrize("name", ["cxr", "a/b/c", "hf://a/b", "", "a/b c", "a/--b"])
def test_a_name_of_no_repository_is_refused(hub: FakeHub, tiny_bundle: Bundle, name: str) -> None:
    with pytest.raises(BundleError, match=r"owner/name|Repo id"):
        push_bundle(tiny_bundle, name)
    assert hub.asked == []


def test_a_hub_that_refuses_is_told_in_one_sentence(hub: FakeHub, tiny_bundle: Bundle) -> None:
    hub.refuse = True
    with pytest.raises(BundleError, match=r"^tiny was not uploaded to clinic/cxr \([^\n]*403"):
        push_bundle(tiny_bundle, NAME)


@pytest.mark.usefixtures("nothing_listens")
def test_without_a_network_nothing_is_uploaded(tiny_bundle: Bundle) -> None:
    with pytest.raises(BundleError, match=r"was not uploaded .*refused.*hf auth login"):
        push_bundle(tiny_bundle, NAME)


def test_the_command_line_verifies_a_bundle_on_a_hub(
    stocked: FakeHub, tiny_bundle: Bundle, own_cache: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    from app import main

    with pytest.raises(SystemExit) as end:
        main(["bundle", "verify", ADDRESS, "--json"])
    assert end.value.code == 0
    values = json.loads(capsys.readouterr().out)
    assert values == {"ok": True, "name": "tiny", "digest": tiny_bundle.digest}


def test_a_workstation_opens_a_bundle_of_a_hub(stocked: FakeHub, tiny_bundle: Bundle) -> None:
    from app import Tools

    opened = Tools().open_workstation(Path(ADDRESS), None)
    assert opened.bundle.digest == tiny_bundle.digest


def test_the_hubs_library_is_not_imported_for_a_folder(tiny_bundle: Bundle) -> None:
    program = (
        "import sys; from daug.bundle_source import open_bundle; "
        f"open_bundle({str(tiny_bundle.folder)!r}); print('huggingface_hub' in sys.modules)"
    )
    command = [sys.executable, "-c", program]
    found = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, check=True)
    assert found.stdout == "False\n"


def test_a_pushed_bundle_can_be_read_where_it_came_from(hub: FakeHub, tiny_bundle: Bundle) -> None:
    push_bundle(tiny_bundle, NAME)
    assert read_bundle(tiny_bundle.folder) == tiny_bundle  # nothing in the folder was changed
    tiny_bundle.verify_files()
