"""The web server of `daug app`: on this machine alone, and with nothing sent anywhere else."""

import ipaddress
import json
import os
import shutil
import signal
import socket
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from time import sleep
from typing import TYPE_CHECKING

import typer

from daug.case_desk import CaseDesk, CaseLibrary
from daug.errors import DaugError
from daug.workstation import Workstation
from ui import wording

if TYPE_CHECKING:
    from fastapi import FastAPI

LARGEST_UPLOAD = "256mb"  # as much as loading reads
REMOVALS = 100  # tries, a tenth of a second apart, to remove what the server wrote
PATIENCE = 2  # seconds for answers under way when the server is ended


def listen(host: str, port: int) -> socket.socket:
    """Return a socket that listens on this machine alone.

    Raises:
        DaugError: If the host is not this machine itself, or the port is taken.
    """
    address = "127.0.0.1" if host == "localhost" else host
    try:
        loopback = ipaddress.ip_address(address).is_loopback
    except ValueError:
        loopback = False
    if not loopback:
        raise DaugError(
            f"{host} can be reached by other machines, and the app has no log-in yet, so it "
            "serves this machine alone. Use 127.0.0.1."
        )
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    listening = socket.socket(family, socket.SOCK_STREAM)
    try:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind((address, port))
        listening.listen()
    except OSError as error:
        listening.close()
        raise DaugError(
            f"Port {port} of {host} cannot be used ({error.strerror}). "
            "Close what uses it, or name another with --port."
        ) from error
    return listening


def run(
    listening: socket.socket,
    workstation: Workstation,
    desk: CaseDesk | None = None,
    library: CaseLibrary | None = None,
    *,
    examples: Path | None = None,
    as_json: bool = False,
) -> None:
    """Serve the app until somebody ends it, and say where it is.

    Args:
        desk: Where similar cases are asked for; None for none.
        library: Their library.
        examples: Folder of the radiographs that come with DAug.
    """
    import uvicorn

    with _private_folder() as folder:
        app = build_app(workstation, folder, examples, desk, library)
        host, port = listening.getsockname()[:2]
        url = f"http://[{host}]:{port}/" if ":" in host else f"http://{host}:{port}/"
        if as_json:
            bundle = workstation.bundle
            models = {"name": bundle.name, "version": bundle.version, "digest": bundle.digest}
            typer.echo(json.dumps({"url": url, "bundle": models, "notice": wording.NOTICE}))
        else:
            typer.echo(f"DAug is at {url} (end it with Ctrl+C). {wording.NOTICE}")
        config = uvicorn.Config(
            app,
            log_level="warning",
            access_log=False,
            server_header=False,
            timeout_graceful_shutdown=PATIENCE,  # an open page never hangs up by itself
        )
        # uvicorn ends by raising the signal once more: as an exception, it removes the folder
        signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
        with suppress(KeyboardInterrupt):
            uvicorn.Server(config).run(sockets=[listening])


@contextmanager
def _private_folder() -> Iterator[Path]:
    """Make a folder that nobody else can read, and leave nothing of it behind.

    An answer that is under way when the server ends may still write while its folder is removed.
    """
    folder = Path(tempfile.mkdtemp(prefix="daug-"))
    try:
        yield folder
    finally:
        for _ in range(REMOVALS):
            shutil.rmtree(folder, ignore_errors=True)
            if not folder.exists():
                break
            sleep(0.1)


def build_app(
    workstation: Workstation,
    folder: Path,
    examples: Path | None = None,
    desk: CaseDesk | None = None,
    library: CaseLibrary | None = None,
) -> "FastAPI":
    """Return the web application.

    Args:
        folder: Where uploads and exports lie for as long as it runs; readable by nobody else.
        examples: Folder of the radiographs that come with DAug; None for none.
        desk: Where similar cases are asked for; None for none.
        library: Their library.
    """
    # Gradio reads these while it is imported: no usage reports, no record of runs, no shared
    # temporary folder. Nothing may import it before.
    os.environ["GRADIO_ANALYTICS_ENABLED"] = "False"
    os.environ["GRADIO_RUN_HISTORY"] = "False"
    os.environ["GRADIO_TEMP_DIR"] = str(folder)
    import gradio as gr
    from fastapi import FastAPI
    from fastapi.staticfiles import StaticFiles

    from ui.page import ASSETS, build_page, style, theme
    from ui.security_headers import SecurityHeaders

    bundle = workstation.bundle
    app = FastAPI(docs_url=None, redoc_url=None, openapi_url=None)

    @app.get("/healthz")
    def healthz() -> dict[str, object]:
        return {"ok": True, "bundle": {"name": bundle.name, "version": bundle.version}}

    app.mount("/assets/ui", StaticFiles(directory=ASSETS), name="assets")
    exports = folder / "exports"
    exports.mkdir(mode=0o700, exist_ok=True)
    gr.mount_gradio_app(
        app,
        build_page(workstation, exports, examples, desk, library),
        path="/",
        server_name="127.0.0.1",
        footer_links=[],
        run_history=False,
        show_error=False,
        allowed_paths=[],
        max_file_size=LARGEST_UPLOAD,
        ssr_mode=False,
        mcp_server=False,
        theme=theme(),
        css=style(workstation),
        head='<script src="/assets/ui/dark.js"></script>',
        app_kwargs={"docs_url": None, "redoc_url": None, "openapi_url": None},
    )
    app.add_middleware(SecurityHeaders)
    return app
