"""Where a bundle is read from: a folder always, a model hub where somebody names it as one.

    assets/models/cxr-demo       a folder; tried first, whatever it is called
    hf://owner/name              the hub's repository of that name
    hf://owner/name@revision     the same at a branch, tag or commit

No network is touched but for `hf://`, and not even then if the cache of huggingface_hub holds the
whole bundle already. What comes from a hub is held against its digests like any other bundle,
and no file is fetched that could run code. Nothing is imported from huggingface_hub until then.
"""

import os
import re
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from daug.bundle import BUNDLE_FILE, Bundle, read_bundle
from daug.errors import BundleError

if TYPE_CHECKING:
    from huggingface_hub import CommitOperationAdd, CommitOperationDelete, HfApi

    CommitOperation = CommitOperationAdd | CommitOperationDelete

NAME = r"[\w.-]+/[\w.-]+"
ADDRESS = re.compile(rf"hf:/{{1,2}}(?P<name>{NAME})(@(?P<revision>[\w./-]+))?")  # Path drops a "/"
FETCHED = (".json", ".safetensors", ".md")  # nothing else is asked for, pickles least of all
CARD_FILE = "MODEL_CARD.md"
PATIENCE = 10  # seconds for the hub to begin an answer


def open_bundle(source: str | Path) -> Bundle:
    """Return the described bundle of a folder or a hub address; no model is loaded.

    Raises:
        BundleError: See `bundle_folder` and `daug.bundle.read_bundle`.
    """
    return read_bundle(bundle_folder(source))


def bundle_folder(source: str | Path) -> Path:
    """Return the folder of a bundle on this machine, fetched and verified if it is on a hub.

    Args:
        source: A folder, or `hf://owner/name[@revision]` as text or as a Path.

    Raises:
        BundleError: If a hub's bundle cannot be had, or is not what its digests say. A folder is
            returned as it is: whoever loads its models verifies it.
    """
    folder = Path(source)
    if folder.is_dir() or not str(source).startswith("hf:/"):
        return folder
    address = ADDRESS.fullmatch(str(source))
    if address is None:
        raise BundleError(f"{source} is no address of a bundle. Write hf://owner/name[@revision].")
    name, revision = address["name"], address["revision"]
    fetched = _fetch(name, revision)
    try:
        read_bundle(fetched).verify_files()
    except BundleError as error:
        raise BundleError(
            f"hf://{name} is not used: {error} If its owner has mended it, remove {fetched} "
            "and try again."
        ) from error
    return fetched


def push_bundle(bundle: Bundle, repository: str, *, private: bool = False) -> str:
    """Upload a bundle's files and card, replacing what is there, and return its page's address.

    Args:
        bundle: Its folder's files must be those of its digests.
        repository: owner/name; made if it is not there.
        private: Whether nobody else may see it; only asked of a repository that is made now.

    Raises:
        BundleError: If the bundle lists no files or they differ from their digests, the name is
            none, or the hub cannot be reached or refuses.
    """
    if not re.fullmatch(NAME, repository):
        raise BundleError(f"{repository!r} is no repository's name. Write owner/name.")
    if not bundle.files:
        raise BundleError(f"{bundle.folder} lists no files. Build it with `daug bundle build`.")
    bundle.verify_files()
    hub, failures = _hub()
    try:
        page = hub.create_repo(repository, private=private or None, exist_ok=True)
        hub.create_commit(  # one commit: the hub has the whole bundle or the one before
            repository,
            _changes(bundle, hub.list_repo_files(repository)),
            commit_message=f"{bundle.name} {bundle.version}",
        )
    except failures as error:
        raise BundleError(
            f"{bundle.name} was not uploaded to {repository} ({_reason(error)}). Check the network "
            "and that `hf auth login` was done by somebody who may write there."
        ) from error
    return str(page)


def _changes(bundle: Bundle, there: Iterable[str]) -> "list[CommitOperation]":
    """Return what makes a repository hold this bundle and no file of an older one."""
    from huggingface_hub import CommitOperationAdd, CommitOperationDelete

    names = {BUNDLE_FILE, *bundle.files}
    if (bundle.folder / CARD_FILE).is_file():
        names.add(CARD_FILE)
    old = {n for n in there if Path(n).suffix in FETCHED and n != "README.md"} - names
    return [
        *(CommitOperationDelete(name) for name in sorted(old)),
        *(CommitOperationAdd(name, bundle.folder / name) for name in sorted(names)),
    ]


def _fetch(name: str, revision: str | None) -> Path:
    """Return the snapshot in the cache, asking the hub only where it is not whole."""
    hub, failures = _hub()
    from huggingface_hub.errors import LocalEntryNotFoundError

    def snapshot(*, offline: bool) -> Path:
        return Path(
            hub.snapshot_download(
                name,
                revision=revision,
                allow_patterns=[f"*{suffix}" for suffix in FETCHED],
                local_files_only=offline,
                etag_timeout=PATIENCE,
            )
        )

    try:
        try:
            return snapshot(offline=True)
        except LocalEntryNotFoundError:
            return snapshot(offline=False)
    except failures as error:
        raise BundleError(
            f"hf://{name}{f'@{revision}' if revision else ''} cannot be fetched "
            f"({_reason(error)}). Check its name and the network, or give the path of a folder "
            "that holds the bundle."
        ) from error


def _hub() -> "tuple[HfApi, tuple[type[Exception], ...]]":
    """Return the hub's interface, without telemetry, and how hub, network and disk can fail."""
    os.environ["HF_HUB_DISABLE_TELEMETRY"] = "1"
    import httpx2
    from huggingface_hub import HfApi, constants
    from huggingface_hub.errors import HFValidationError, XetDownloadError
    from huggingface_hub.utils.tqdm import disable_progress_bars

    constants.HF_HUB_DISABLE_TELEMETRY = True  # whoever imported it before
    disable_progress_bars()  # standard output and error belong to DAug's own words
    hub = HfApi(endpoint=os.environ.get("HF_ENDPOINT"), library_name="daug")
    failures = (httpx2.HTTPError, httpx2.InvalidURL, HFValidationError, XetDownloadError)
    return hub, (*failures, OSError, RuntimeError)


def _reason(error: BaseException) -> str:
    """Return the first line of the deepest cause, which names what really happened."""
    while (deeper := error.__cause__) is not None:
        error = deeper
    lines = str(error).strip().splitlines()
    return lines[0].rstrip(".") if lines else type(error).__name__
