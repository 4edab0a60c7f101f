"""Those who get notices in tests: a mail server that speaks SMTP over sockets, and a server for webhooks."""

from __future__ import annotations

import base64
import contextlib
import datetime
import email
import email.policy
import json
import socket
import socketserver
import ssl
import threading
from email.message import Message
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

HOST = "localhost"
CAPABILITIES = ("localhost", "8BITMIME", "SMTPUTF8")


def certificate(folder: Path, host: str = HOST) -> Path:
    """A new key and a certificate for this host, signed by itself, in one file."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, host)])
    now = datetime.datetime.now(datetime.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=2))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(host)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    path = folder / f"{host}.pem"
    pem = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    path.write_bytes(pem + made.public_bytes(serialization.Encoding.PEM))
    return path


def _context(path: Path) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(path)
    return context


class MailServer:
    """Takes mails. `refusals`: answers that the next mails get instead of 250; `hold`: while set, it says nothing."""

    def __init__(self, *, pem: Path | None = None, tls: bool = False, login: tuple[str, str] | None = None) -> None:
        self.mails: list[Message] = []
        self.envelopes: list[tuple[str, list[str]]] = []
        self.refusals: list[bytes] = []
        self.hold = threading.Event()
        self.login = login
        self.pem = pem
        self.tls = tls
        self.calls = 0
        self._server = socketserver.ThreadingTCPServer((HOST, 0), _handler(self))
        self._server.daemon_threads = True
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()

    @property
    def address(self) -> str:
        """HOST:PORT."""
        return f"{HOST}:{self._server.server_address[1]}"

    @property
    def subjects(self) -> list[str]:
        """Of all mails, in the order in which they came."""
        return [str(mail["Subject"]).strip() for mail in self.mails]

    def close(self) -> None:
        """No more mails."""
        self.hold.clear()
        self._server.shutdown()
        self._server.server_close()


def _handler(server: MailServer) -> type[socketserver.BaseRequestHandler]:
    class Handler(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            server.calls += 1
            session = _Session(server, self.request)
            with contextlib.suppress(OSError, EOFError):
                session.run()
            session.channel.close()

    return Handler


class _Session:
    def __init__(self, server: MailServer, channel: socket.socket) -> None:
        self.server = server
        self.channel = channel
        self.secure = False
        self.known = server.login is None
        self.sender = ""
        self.receivers: list[str] = []

    def say(self, *lines: str) -> None:
        code = lines[0][:3]
        rows = [lines[0], *(f"{code} {line}" for line in lines[1:])]
        text = [row[:3] + ("-" if row is not rows[-1] else " ") + row[4:] for row in rows]
        self.channel.sendall("".join(f"{row}\r\n" for row in text).encode())

    def line(self) -> str:
        text = b""
        while not text.endswith(b"\r\n"):
            byte = self.channel.recv(1)
            if not byte:
                raise EOFError
            text += byte
        return text[:-2].decode()

    def run(self) -> None:
        while self.server.hold.is_set():
            self.server.hold.wait(0.02)
            self.channel.settimeout(0.05)
            with contextlib.suppress(TimeoutError):
                if not self.channel.recv(1, socket.MSG_PEEK):
                    return
        self.channel.settimeout(30)
        if self.server.tls:
            self.wrap()
        self.say("220 localhost ready")
        while (line := self.line()).upper() != "QUIT":
            self.obey(line)
        self.say("221 bye")

    def obey(self, line: str) -> None:
        verb, _, rest = line.partition(" ")
        method = getattr(self, f"do_{verb.lower()}", None)
        if method is None:
            return self.say("502 unknown")
        method(rest)

    def do_ehlo(self, rest: str) -> None:
        more = ["STARTTLS"] if self.server.pem and not self.secure else []
        more += ["AUTH PLAIN"] if self.server.login and self.secure else []
        self.say(*(f"250 {word}" if word == CAPABILITIES[0] else word for word in (*CAPABILITIES, *more)))

    def do_starttls(self, rest: str) -> None:
        self.say("220 go on")
        self.wrap()

    def wrap(self) -> None:
        assert self.server.pem
        channel = _context(self.server.pem).wrap_socket(self.channel, server_side=True, do_handshake_on_connect=False)
        self.channel, self.secure = channel, True
        channel.do_handshake()

    def do_auth(self, rest: str) -> None:
        given = base64.b64decode(rest.removeprefix("PLAIN ")).decode().split("\0")
        self.known = tuple(given[1:]) == self.server.login
        self.say("235 welcome" if self.known else "535 wrong password")

    def do_mail(self, rest: str) -> None:
        if not self.known:
            return self.say("530 who are you")
        self.sender, self.receivers = _address(rest), []
        self.say("250 ok")

    def do_rcpt(self, rest: str) -> None:
        if "nobody@" in rest:
            return self.say("550 no such user")
        self.receivers.append(_address(rest))
        self.say("250 ok")

    def do_data(self, rest: str) -> None:
        if self.server.refusals:
            return self.say(self.server.refusals.pop(0).decode())
        self.say("354 go on")
        lines = []
        while (line := self.line()) != ".":
            lines.append(line.removeprefix(".") if line.startswith("..") else line)
        self.server.envelopes.append((self.sender, self.receivers))
        self.server.mails.append(email.message_from_string("\n".join(lines), policy=email.policy.default))
        self.say("250 taken")

    def do_rset(self, rest: str) -> None:
        self.say("250 ok")


def _address(text: str) -> str:
    return text.partition("<")[2].partition(">")[0]


class WebServer:
    """Takes documents. `answers`: statuses of the next answers instead of 204."""

    def __init__(self, pem: Path | None = None) -> None:
        self.documents: list[dict[str, Any]] = []
        self.headers: list[dict[str, str]] = []
        self.paths: list[str] = []
        self.answers: list[int] = []
        web = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                status = web.answers.pop(0) if web.answers else 204
                web.paths.append(self.path)
                if status == 204:
                    web.headers.append(dict(self.headers.items()))
                    web.documents.append(json.loads(body))
                self.send_response(status)
                if status // 100 == 3:
                    self.send_header("Location", "/elsewhere")
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *words: object) -> None:
                """Nobody reads it."""

        self._server = ThreadingHTTPServer((HOST, 0), Handler)
        self.scheme = "http"
        if pem is not None:
            self._server.socket = _context(pem).wrap_socket(self._server.socket, server_side=True)
            self.scheme = "https"
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()

    @property
    def url(self) -> str:
        """Without a path."""
        return f"{self.scheme}://{HOST}:{self._server.server_address[1]}"

    def close(self) -> None:
        """No more documents."""
        self._server.shutdown()
        self._server.server_close()
