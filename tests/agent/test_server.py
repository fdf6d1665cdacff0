import contextlib
import socket
import ssl
import subprocess
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from agent.server import NoAnswer, Refused, Server, understood
from contract.agent_calls import Acknowledge, StoredBatches
from tests.agent.fake_server import CREDENTIAL


def test_a_call_carries_credential_and_version(server):
    holder = server.assign()
    client = Server(server.url, lambda: CREDENTIAL)
    client.post("/agent/v1/ack", Acknowledge("attempt", 11, 1, []))
    assert holder.acknowledged[0]["v"] == 1
    assert client.local_address() == "127.0.0.1"


@pytest.mark.parametrize(("names", "status", "not_ours"), [({"id": 12}, 404, True), ({"fence": 9}, 409, True)])
def test_a_foreign_attempt_and_an_old_fence_are_not_ours(server, names, status, not_ours):
    server.assign()
    client = Server(server.url, lambda: CREDENTIAL)
    message = Acknowledge(**({"kind": "attempt", "id": 11, "fence": 1} | names))
    with pytest.raises(Refused) as refusal:
        client.post("/agent/v1/ack", message)
    assert (refusal.value.status, refusal.value.not_ours) == (status, not_ours)


def test_an_unknown_credential_is_revoked(server):
    with pytest.raises(Refused) as refusal:
        Server(server.url, lambda: "fld_other").get("/agent/v1/assignments")
    assert refusal.value.revoked


def test_a_taken_device_is_neither_revoked_nor_foreign(server):
    server.taken = True
    with pytest.raises(Refused) as refusal:
        Server(server.url, lambda: CREDENTIAL).call("POST", "/agent/v1/heartbeat", b"{}")
    assert (refusal.value.code, refusal.value.revoked, refusal.value.not_ours) == ("device-taken", False, False)


def test_a_connection_that_the_server_closed_meanwhile_is_opened_again(server):
    client = Server(server.url, lambda: CREDENTIAL)
    client.get("/agent/v1/assignments")
    client.connection.sock.shutdown(socket.SHUT_RDWR)
    assert client.get("/agent/v1/assignments")["v"] == 1


def test_nobody_there_and_no_answer_are_the_same_to_the_caller(server):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        nobody = Server(f"http://127.0.0.1:{free.getsockname()[1]}", None, timeout=0.2)
        with pytest.raises(NoAnswer):
            nobody.get("/agent/v1/assignments")
        free.listen()
        with pytest.raises(NoAnswer):
            nobody.get("/agent/v1/assignments")
    server.away = True
    with pytest.raises(NoAnswer):
        Server(server.url, lambda: CREDENTIAL).get("/agent/v1/assignments")


@pytest.mark.parametrize("status", [429, 500, 503])
def test_a_server_that_cannot_serve_now_is_away_and_may_say_for_how_long(status):
    with answering(status, {"Retry-After": "7"}) as address, pytest.raises(NoAnswer) as silence:
        Server(address, None).get("/")
    assert silence.value.retry_after == 7


def test_redirects_are_not_followed_so_that_the_credential_goes_nowhere_else():
    with answering(302, {"Location": "http://192.0.2.1/"}) as address, pytest.raises(Refused) as refusal:
        Server(address, lambda: CREDENTIAL).get("/")
    assert refusal.value.status == 302


def test_an_address_that_is_none_is_refused_with_an_example():
    with pytest.raises(ValueError, match="http://HOST:PORT"):
        Server("10.0.0.1:8000", None)


def test_a_certificate_is_verified_or_pinned(tmp_path):
    certificate = tmp_path / "cert.pem"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", tmp_path / "key.pem",
         "-out", certificate, "-days", "1", "-subj", "/CN=127.0.0.1"],
        check=True, capture_output=True,
    )  # fmt: skip
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, tmp_path / "key.pem")
    out = subprocess.run(
        ["openssl", "x509", "-in", certificate, "-noout", "-fingerprint", "-sha256"],
        check=True, capture_output=True, text=True,
    ).stdout  # fmt: skip
    fingerprint = out.partition("=")[2].strip()
    with answering(200, {}, context) as address:
        with pytest.raises(NoAnswer, match="certificate"):
            Server(address, lambda: CREDENTIAL).get("/")
        with pytest.raises(NoAnswer, match="pinned"):
            Server(address, lambda: CREDENTIAL, fingerprint="00" * 32).get("/")
        assert Server(address, lambda: CREDENTIAL, fingerprint=fingerprint).get("/") == {}


@pytest.mark.parametrize("body", [b"<html>", b"[1]", b'{"v": 1}'])
def test_an_answer_that_is_none_of_the_protocol_counts_as_no_answer(body):
    with answering(200, {}, body=body) as address, pytest.raises(NoAnswer):
        understood(StoredBatches, Server(address, None).get("/"))


@contextlib.contextmanager
def answering(status: int, headers: dict, context: ssl.SSLContext | None = None, body: bytes = b""):
    """A server that gives this answer to everything; its address."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_):
            pass

    listener = HTTPServer(("127.0.0.1", 0), Handler)
    if context:
        listener.socket = context.wrap_socket(listener.socket, server_side=True)
    threading.Thread(target=listener.serve_forever, args=(0.02,), daemon=True).start()
    try:
        yield f"http{'s' if context else ''}://127.0.0.1:{listener.server_address[1]}"
    finally:
        listener.shutdown()
        listener.server_close()
