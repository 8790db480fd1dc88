"""The command `daug data dicom-folder`."""

from pathlib import Path
from typing import Annotated

import typer

from trainers.adapters.cli import OutputOption, RootArgument, write_and_tell
from trainers.cli_options import JsonOption


def data_dicom_folder(
    root: RootArgument,
    output: OutputOption,
    labels: Annotated[
        Path | None,
        typer.Option(
            exists=True,
            dir_okay=False,
            help="CSV table with a column image (paths from ROOT), and findings as columns (1, 0, "
            "-1, blank) or one column labels; no labels if none.",
        ),
    ] = None,
    key: Annotated[
        Path | None,
        typer.Option(
            dir_okay=False,
            help="Secret for the names of patients; made if missing, beside the manifest if none "
            "is named. Keep it: with another, patients get other names and splits. Do not pass it "
            "on with the manifest.",
        ),
    ] = None,
    name: Annotated[str, typer.Option(help="Of the data set; the folder's if none.")] = "",
    licence: Annotated[str, typer.Option("--license", help="Of the images.")] = "",
    citation: Annotated[str, typer.Option(help="Whom to name for them.")] = "",
    as_json: JsonOption = False,
) -> None:
    """List the frontal chest radiographs of a folder of DICOM studies, without a patient's name.

    Headers alone are read. Patients, studies and images get hashes under a key for names, dates
    become an order; the paths of the files stay as they are. Splits: the table's column split, or
    a hash of the patient (80/10/10 %).
    """
    from trainers.adapters.dicom_folder import dicom_folder_adapter
    from trainers.adapters.identity_key import open_key, usual_key_file

    secret = open_key(key or usual_key_file(output))
    adapter = dicom_folder_adapter(name or root.resolve().name, secret, labels, licence, citation)
    write_and_tell(adapter, root, output, False, as_json)
