"""How a manifest's paths, which are relative to its folder, reach the images of a collection."""

import os
from dataclasses import dataclass
from pathlib import Path

from daug.errors import ManifestError


@dataclass(frozen=True)
class Reach:
    """What goes before an image's path, and the link that it needs, if any."""

    prefix: str
    root: Path
    link: Path | None = None

    def path(self, image: str) -> str:
        """Return an image's path from the manifest's folder."""
        return f"{self.prefix}/{image}" if self.prefix else image

    def make_link(self) -> None:
        """Make the link unless it is there.

        Raises:
            ManifestError: If something else has its name, or it cannot be made.
        """
        if self.link is None:
            return
        try:
            if not self.link.exists():
                self.link.symlink_to(self.root, target_is_directory=True)
            elif not self.link.samefile(self.root):
                raise FileExistsError("it leads to another folder")
        except OSError as error:
            raise ManifestError(
                f"{self.link} cannot lead to the images ({error}). Remove it, or write the "
                f"manifest into {self.root} or a folder above."
            ) from error


def reach_images(root: Path, output: Path, dataset: str) -> Reach:
    """Find a way from the manifest's folder to the images; from elsewhere, by a link.

    Args:
        root: The collection's folder.
        output: The manifest; its folder exists.
        dataset: Names the link.
    """
    folder, root = Path(os.path.realpath(output.parent)), Path(os.path.realpath(root))
    if root.is_relative_to(folder):
        below = root.relative_to(folder).as_posix()
        return Reach("" if below == "." else below, root)
    name = f"{dataset}-images"
    return Reach(name, root, folder / name)
