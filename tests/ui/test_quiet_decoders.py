import os
import subprocess
import sys
from pathlib import Path

import pytest

from daug.bundle import Bundle
from tests.conftest import REPOSITORY
from tests.daug.loading.dicom_files import bundled_as_radiograph
from ui.quiet_decoders import quiet_decoders


def test_nothing_is_printed_inside_and_everything_after(
    capfd: pytest.CaptureFixture[str],
) -> None:
    def decode() -> None:
        with quiet_decoders():
            os.write(2, b"Corrupt JPEG data\n")
            raise ValueError("passes")

    free = os.dup(2)
    os.close(free)
    with pytest.raises(ValueError, match="passes"):
        decode()
    os.write(2, b"heard\n")
    assert capfd.readouterr().err == "heard\n"
    still_free = os.dup(2)
    os.close(still_free)
    assert still_free == free  # no descriptor was forgotten


def test_a_command_says_nothing_of_what_its_decoders_say(
    tiny_bundle: Bundle, tmp_path: Path
) -> None:
    """Of this file libjpeg says "Invalid SOS parameters", and decodes it."""
    bundled_as_radiograph("JPEG-lossy.dcm", tmp_path / "a.dcm")
    asked = ["a.dcm", "--super-class", "no finding", "--bundle", str(tiny_bundle.folder)]
    done = subprocess.run(
        [sys.executable, "-m", "app", "heatmap", *asked, "--json"],
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": str(REPOSITORY)},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
