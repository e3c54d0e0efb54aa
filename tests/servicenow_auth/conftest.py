import datetime
import ssl
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from servicenow_auth import services
from servicenow_auth.models import Connection
from servicenow_auth.signals import authorization_changed

NAMES = ("localhost", "example.service-now.com")


@dataclass(frozen=True)
class Certificate:
    """A server's own certificate, and the file by which a client trusts it."""

    context: ssl.SSLContext
    ca: str


@pytest.fixture(scope="session")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Certificate:
    folder = tmp_path_factory.mktemp("tls")
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "test")])
    now = datetime.datetime.now(tz=datetime.UTC)
    signed = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(
            x509.SubjectAlternativeName([x509.DNSName(name) for name in NAMES]),
            critical=False,
        )
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    public, private = folder / "certificate.pem", folder / "key.pem"
    public.write_bytes(signed.public_bytes(pem))
    private.write_bytes(
        key.private_bytes(
            pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
    )
    return Certificate(context=_server_context(public, private), ca=str(public))


def _server_context(public: Path, private: Path) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(public, private)
    return context


HOST = "https://example.service-now.com"


@pytest.fixture
def basic(db: None) -> Connection:
    connection = services.create_connection(owner_group=None)
    services.configure(
        connection,
        host_url=HOST,
        authorization_type="basic",
        user_name="chatbot.interface",
        client_id="",
        password="the-password",
    )
    return connection


@pytest.fixture
def oauth(db: None) -> Connection:
    """A connection with a pasted refresh token and no access token yet."""
    connection = services.create_connection(owner_group=None)
    services.configure(
        connection,
        host_url=HOST,
        authorization_type="oauth",
        user_name="",
        client_id="the-client",
        client_secret="the-client-secret",
        refresh_token="the-refresh-token",
    )
    return connection


@pytest.fixture
def announced() -> Iterator[list[bool]]:
    """What `authorization_changed` told, in order."""
    told: list[bool] = []

    def listen(*, ready: bool, **_: object) -> None:
        told.append(ready)

    authorization_changed.connect(listen)
    yield told
    authorization_changed.disconnect(listen)
