"""Downloads whose encryption breaks, from a server on loopback with a certificate made for the test."""

import shutil
import ssl
import subprocess

import pytest

from cs336_basics.datasets.download import ATTEMPTS
from cs336_basics.datasets.request import BrokenConnectionError
from tests.unit.datasets.file_server import FileServer, serving
from tests.unit.datasets.test_download import CONTENT, assert_whole, get


@pytest.fixture
def tls(tmp_path_factory, monkeypatch) -> ssl.SSLContext:
    """A server's side of TLS, with a certificate that clients trust for the length of a test."""
    folder = tmp_path_factory.mktemp("tls")
    key, certificate = folder / "key.pem", folder / "certificate.pem"
    command = ["openssl", "req", "-x509", "-nodes", "-days", "2", "-subj", "/CN=loopback"]
    command += ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1"]
    command += ["-addext", "subjectAltName=IP:127.0.0.1"]
    command += ["-keyout", str(key), "-out", str(certificate)]
    subprocess.run(command, check=True, capture_output=True)
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    return context


@pytest.mark.skipif(shutil.which("openssl") is None, reason="only openssl makes certificates")
def test_a_connection_whose_encryption_breaks_goes_on(tmp_path, tls):
    with serving(FileServer(content=CONTENT, break_after=[100_003], tls=tls)) as server:
        get(server, tmp_path)
    assert len(server.requests) == 2
    assert_whole(tmp_path)


@pytest.mark.skipif(shutil.which("openssl") is None, reason="only openssl makes certificates")
def test_encryption_that_always_breaks_is_one_sentence(tmp_path, tls):
    broken = FileServer(content=CONTENT, break_after=(1 + ATTEMPTS) * [1009], honours_range=False, tls=tls)
    with (
        serving(broken) as server,
        pytest.raises(BrokenConnectionError, match=r"text\.txt broke off \(.*SSL.*\), also .*; try later"),
    ):
        get(server, tmp_path)
    assert len(server.requests) == 1 + ATTEMPTS
