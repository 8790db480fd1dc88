"""The plain files in a tar archive, one after the other, refusing whatever else is in it."""

import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from trainers.fetching.fault import FetchError


def tar_members(archive: Path, folder: Path) -> Iterator[tuple[str, IO[bytes]]]:
    """Yield the name and content of every file.

    Args:
        archive: A tar archive, packed or not.
        folder: Where the files are to go.

    Raises:
        FetchError: If a member leads out of the folder, is a link or no plain file.
        tarfile.TarError: If the archive is damaged; reading the content may tell by other errors.
    """
    try:
        with tarfile.open(archive, "r|*") as tar:
            for member in tar:
                if member.isdir():
                    continue
                tarfile.data_filter(member, str(folder))  # .., devices, links that lead out
                content = tar.extractfile(member) if member.isreg() else None
                if content is None or member.issparse():
                    raise FetchError(
                        f"{archive.name}: {member.name[:100]!r} is a link or no plain file. "
                        "Nothing was unpacked."
                    )
                with content:
                    yield member.name, content
    except tarfile.FilterError as error:
        raise FetchError(
            f"{archive.name}: {error.tarinfo.name[:100]!r} leads out of the folder. Nothing was "
            "unpacked."
        ) from error
