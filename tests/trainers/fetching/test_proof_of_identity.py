"""Nothing is fetched from a server that does not prove who it is."""

import shutil
import ssl
import subprocess
import threading
from collections.abc import Iterator
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from tests.trainers.fetching.conftest import Calm
from trainers.fetching.fault import FetchError
from trainers.fetching.partial import Partial
from trainers.fetching.record import RemoteFile
from trainers.fetching.transfer import receive

SELF_SIGNED = (
    *("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2"),
    *("-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1"),
)


@pytest.fixture
def impostor(tmp_path: Path) -> Iterator[str]:
    """A server over TLS whose certificate nobody vouches for."""
    if shutil.which("openssl") is None:
        pytest.skip("no openssl to make a certificate with")
    key, certificate = tmp_path / "key.pem", tmp_path / "certificate.pem"
    command = [*SELF_SIGNED, "-keyout", str(key), "-out", str(certificate)]
    subprocess.run(command, check=True, capture_output=True)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    server = ThreadingHTTPServer(("127.0.0.1", 0), SimpleHTTPRequestHandler)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    yield f"https://127.0.0.1:{server.server_address[1]}/README.md"
    server.shutdown()
    thread.join()
    server.server_close()


def test_a_certificate_that_nobody_vouches_for_is_refused_at_once(
    impostor: str, tmp_path: Path, calm: Calm
) -> None:
    partial = Partial(tmp_path, RemoteFile("a.bin", impostor))
    with pytest.raises(FetchError, match=r"^127\.0\.0\.1 does not prove who it is \(self"):
        receive(partial, calm.line())
    assert not partial.path.exists()
    assert calm.waited == []
