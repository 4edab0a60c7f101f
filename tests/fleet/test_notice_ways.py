"""The ways that notices go, each to a real receiver: SMTP, sendmail, MailProg, webhook, program."""

from __future__ import annotations

import asyncio
import json
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from mini_slurm.controller import poster, posting
from mini_slurm.controller.posting import Outcome
from mini_slurm.model.fleet import Fleet, Mail, Notices
from mini_slurm.store.notices import Notice
from tests.fleet.receivers import HOST, MailServer, WebServer, certificate

SUBJECT = "Slurm Job_id=12 Name=x\ny: ü Ended"
BODY = {
    "subject": SUBJECT,
    "text": f"{SUBJECT}\n\n.\nFolder /x\n",
    "variables": {"SLURM_JOB_ID": "12", "SLURM_JOB_NAME": "$(touch pwned)"},
    "document": {"event": "END", "job": {"name": "ü\n'"}},
    "time": 1000000000.0,
}
ADDRESS = "alice@example.org"


@pytest.fixture
def opened() -> Iterator[Callable[[Any], Any]]:
    """Close these servers at the end."""
    servers: list[Any] = []
    yield lambda server: servers.append(server) or server
    for server in servers:
        server.close()


def send(way: str, target: str, mail: Mail = Mail(), notices: Notices = Notices()) -> tuple[str, str]:  # noqa: B008
    """What comes of one notice."""
    order = {"mail": mail._asdict(), "notices": notices._asdict(), "state_id": "ab"}
    return poster.send(order, {"way": way, "target": target, "number": 7, "body": json.dumps(BODY)})


def write(path: Path, text: str, mode: int = 0o700) -> str:
    path.write_text(text)
    path.chmod(mode)
    return str(path)


# --- SMTP


def test_a_mail_goes_by_smtp_and_its_subject_is_one_line(opened: Callable[[Any], Any]) -> None:
    server = opened(MailServer())
    mail = Mail(smtp=server.address, security="none", sender="jobs@example.org")
    assert send("mail", f"{ADDRESS}, bob@example.org", mail) == ("sent", "")
    assert server.envelopes == [("jobs@example.org", [ADDRESS, "bob@example.org"])]
    [got] = server.mails
    assert str(got["Message-ID"]) == "<ab-7@example.org>"
    assert got["Auto-Submitted"] == "auto-generated"
    assert "Name=x\\ny" in got["Subject"] or "=?" in got["Subject"]
    assert b"\n.\nFolder /x" in (got.get_payload(decode=True) or b"")


def test_starttls_and_login_where_the_server_can_be_trusted(tmp_path: Path, opened: Callable[[Any], Any]) -> None:
    pem = certificate(tmp_path)
    password = write(tmp_path / "password", "secret\n", 0o600)
    for tls in (False, True):
        server = opened(MailServer(pem=pem, tls=tls, login=("alice", "secret")))
        mail = Mail(smtp=server.address, security="tls" if tls else "starttls", user="alice", password_file=password)
        word, why = send("mail", ADDRESS, mail)
        assert word == "again"
        assert "cannot be trusted" in why
        assert server.mails == []
        assert send("mail", ADDRESS, mail._replace(ca_file=str(pem))) == ("sent", "")
        assert len(server.mails) == 1


def test_a_certificate_for_another_host_is_not_trusted(tmp_path: Path, opened: Callable[[Any], Any]) -> None:
    pem = certificate(tmp_path, "other.example")
    server = opened(MailServer(pem=pem))
    word, why = send("mail", ADDRESS, Mail(smtp=server.address, ca_file=str(pem)))
    assert word == "again"
    assert "cannot be trusted" in why
    web = opened(WebServer(pem))
    assert "cannot be trusted" in send("webhook", web.url, notices=Notices(ca_file=str(pem)))[1]


def test_nothing_is_sent_in_the_open_where_starttls_is_wanted(opened: Callable[[Any], Any]) -> None:
    server = opened(MailServer())
    word, why = send("mail", ADDRESS, Mail(smtp=server.address))
    assert (word, server.mails) == ("never", [])
    assert "STARTTLS" in why


def test_a_wrong_password_and_one_that_others_can_read(tmp_path: Path, opened: Callable[[Any], Any]) -> None:
    pem = certificate(tmp_path)
    server = opened(MailServer(pem=pem, login=("alice", "right")))
    mail = Mail(
        smtp=server.address, ca_file=str(pem), user="alice", password_file=write(tmp_path / "p", "hunter2", 0o600)
    )
    assert send("mail", ADDRESS, mail) == ("again", f"{HOST} does not let alice in: correct mail.password_file")
    (tmp_path / "p").chmod(0o644)
    word, why = send("mail", ADDRESS, mail)
    assert (word, "chmod 600" in why, "hunter2" in why) == ("again", True, False)


@pytest.mark.parametrize(("answer", "word"), [(b"451 later", "again"), (b"554 spam", "never")])
def test_what_the_server_says_decides_whether_to_try_again(
    opened: Callable[[Any], Any], answer: bytes, word: str
) -> None:
    server = opened(MailServer())
    server.refusals.append(answer)
    found, why = send("mail", ADDRESS, Mail(smtp=server.address, security="none"))
    assert (found, answer.decode() in why) == (word, True)


def test_an_unknown_receiver_and_no_address_are_final(opened: Callable[[Any], Any]) -> None:
    server = opened(MailServer())
    mail = Mail(smtp=server.address, security="none")
    assert send("mail", "nobody@example.org", mail)[0] == "never"
    for bad in ("-Xfile@a", "a b@c", "a@b\nBcc: c@d", "", ",", "a@b>", '"x"@y', "|prog"):
        assert send("mail", bad, mail)[0] == "never", bad
    assert server.mails == []


def test_nobody_there_is_tried_again() -> None:
    server = MailServer()
    server.close()
    assert send("mail", ADDRESS, Mail(smtp=server.address, security="none"))[0] == "again"


def test_a_server_that_says_nothing_is_left_in_time(opened: Callable[[Any], Any]) -> None:
    server = opened(MailServer())
    server.hold.set()
    items = [Notice(n, 1, "END", "mail", ADDRESS, json.dumps(BODY), 0, 0.0) for n in (1, 2)]
    fleet = Fleet("lab", "", {}, {}, mail=Mail(smtp=server.address, security="none", timeout=1))
    began = time.monotonic()
    found = asyncio.run(posting.post(fleet, "ab", items))
    assert {outcome.word for outcome in found.values()} == {"again"}
    assert len(found) == 2
    assert time.monotonic() - began < 10


# --- programs


def test_a_sendmail_gets_the_whole_message(tmp_path: Path) -> None:
    program = write(
        tmp_path / "sendmail", f'#!/bin/sh\nprintf "%s\\n" "$@" > {tmp_path}/words\ncat > {tmp_path}/message\n'
    )
    assert send("mail", ADDRESS, Mail(sendmail=program, domain="lab.example")) == ("sent", "")
    words = (tmp_path / "words").read_text().split()
    assert (words[:2], words[3:]) == (["-i", "-f"], ["--", ADDRESS])
    assert words[2].endswith("@lab.example")
    message = (tmp_path / "message").read_text()
    assert f"To: {ADDRESS}\n" in message
    assert "\n\n" in message


def test_a_mail_program_is_called_as_slurm_calls_its_own(tmp_path: Path) -> None:
    program = write(tmp_path / "mail", f'#!/bin/sh\nprintf "%s|" "$@" "$SLURM_JOB_NAME" > {tmp_path}/words\n')
    assert send("mail", ADDRESS, Mail(program=program)) == ("sent", "")
    expected = f"-s|Slurm Job_id=12 Name=x\\ny: ü Ended|{ADDRESS}|$(touch pwned)|"
    assert (tmp_path / "words").read_text() == expected


def test_a_program_gets_the_document_and_says_when_it_failed(tmp_path: Path) -> None:
    program = write(
        tmp_path / "tell", f"#!/bin/sh\ncat > {tmp_path}/document\necho no luck\nexit $(cat {tmp_path}/code)\n"
    )
    (tmp_path / "code").write_text("0")
    assert send("command", program) == ("sent", "")
    assert json.loads((tmp_path / "document").read_text()) == {**BODY["document"], "id": "ab-7"}  # type: ignore[dict-item]
    (tmp_path / "code").write_text("3")
    assert send("command", program) == ("again", f"{program} failed with 3: no luck")
    assert send("command", str(tmp_path / "nope")) == ("never", f"{tmp_path}/nope: No such file or directory")


def test_a_program_that_hangs_ends_with_its_time(tmp_path: Path) -> None:
    program = write(tmp_path / "hang", f"#!/bin/sh\necho $$ > {tmp_path}/pid\nexec sleep 987\n")
    notice = Notice(1, 1, "END", "command", program, json.dumps(BODY), 0, 0.0)
    found = asyncio.run(posting.post(Fleet("lab", "", {}, {}, notices=Notices(timeout=1)), "ab", [notice]))
    assert found == {1: Outcome("again", "no answer within 1 s")}
    assert not Path(f"/proc/{(tmp_path / 'pid').read_text().strip()}/cmdline").exists()


# --- webhooks


class OddServer:
    """Answers each request with these bytes, and then with `more` again and again as long as somebody listens."""

    def __init__(self, answer: bytes, more: bytes = b"") -> None:
        self._server = socket.create_server((HOST, 0))
        self.url = f"http://{HOST}:{self._server.getsockname()[1]}/"
        threading.Thread(target=self._serve, args=(answer, more), daemon=True).start()

    def _serve(self, answer: bytes, more: bytes) -> None:
        with suppress(OSError):
            while True:
                channel, _ = self._server.accept()
                with suppress(OSError), channel:
                    channel.recv(65536)
                    channel.sendall(answer)
                    while more:
                        channel.sendall(more)
                        time.sleep(0.01)

    def close(self) -> None:
        self._server.close()


def posted(url: str) -> Outcome:
    """What comes of a document, by the process that sends."""
    notice = Notice(1, 1, "END", "webhook", url, json.dumps(BODY), 0, 0.0)
    fleet = Fleet("lab", "", {}, {}, notices=Notices(timeout=1))
    return asyncio.run(posting.post(fleet, "ab", [notice]))[1]


def test_an_answer_that_is_odd_becomes_one_short_line(opened: Callable[[Any], Any]) -> None:
    found = posted(opened(OddServer(b"HTTP/1.1 500 " + b"\x1b[2J" * 15_000 + b"\r\n\r\n")).url)
    assert found.word == "again"
    assert found.why.startswith(f"{HOST} answers 500 \\x1b[2J")
    assert len(found.why) < 2500 and found.why.isprintable()
    assert posted(opened(OddServer(b"\x00\xff no HTTP\r\n")).url).word == "again"


def test_an_answer_without_end_is_left_in_time(opened: Callable[[Any], Any]) -> None:
    head = b"HTTP/1.1 200 OK\r\n"
    assert posted(opened(OddServer(head + b"\r\n", b"x" * 65536)).url) == Outcome("sent", "")
    assert posted(opened(OddServer(head, b"H")).url) == Outcome("again", "no answer within 1 s")


def test_a_webhook_gets_the_document_over_tls(tmp_path: Path, opened: Callable[[Any], Any]) -> None:
    pem = certificate(tmp_path)
    web = opened(WebServer(pem))
    target = web.url.replace("://", "://me:s%20t@") + "/hook?token=secret"
    word, why = send("webhook", target)
    assert word == "again"
    assert "cannot be trusted" in why
    assert send("webhook", target, notices=Notices(ca_file=str(pem))) == ("sent", "")
    assert web.paths == ["/hook?token=secret"]
    assert web.documents == [{**BODY["document"], "id": "ab-7"}]  # type: ignore[dict-item]
    [headers] = web.headers
    assert headers["Idempotency-Key"] == "ab-7"
    assert headers["Authorization"] == "Basic bWU6cyB0"


@pytest.mark.parametrize(("status", "word"), [(500, "again"), (429, "again"), (404, "never"), (302, "never")])
def test_a_webhooks_answer_decides_whether_to_try_again(opened: Callable[[Any], Any], status: int, word: str) -> None:
    web = opened(WebServer())
    web.answers.append(status)
    found, why = send("webhook", f"{web.url}/secret")
    assert (found, str(status) in why, "secret" in why) == (word, True, False)
    assert len(web.paths) == 1
