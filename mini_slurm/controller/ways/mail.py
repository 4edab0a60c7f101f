"""A mail of an event: by SMTP, by a sendmail, or by a program that is called as Slurm calls its MailProg."""

from __future__ import annotations

import email.policy
import getpass
import os
import re
import shutil
import smtplib
import socket
import ssl
import stat
from collections.abc import Mapping
from datetime import UTC, datetime
from email.message import EmailMessage
from email.utils import format_datetime
from typing import Any

from mini_slurm.controller.ways import Failed
from mini_slurm.controller.ways.command import run
from mini_slurm.errors import visible

# what a mail system takes for no option and for one address
ADDRESS = re.compile(r"[^\s,;<>()\"'\\|@-][^\s,;<>()\"'\\|@]*(?:@[\w.-]+|@\[[\w.:]+\])?")
PORTS = {"starttls": 587, "tls": 465, "none": 25}
SENDMAIL = "sendmail"
WIDE = email.policy.default.clone(max_line_length=990)  # as long as mail allows: a subject in one line
PLACES = "/usr/sbin:/usr/lib:/sbin"  # where it lies beside PATH


def send(settings: Mapping[str, Any], target: str, body: Mapping[str, Any], name: str) -> None:
    """Send it to all addresses that commas part. Raises Failed."""
    addresses = [word.strip() for word in target.split(",") if word.strip()]
    wrong = next((word for word in addresses if not ADDRESS.fullmatch(word)), None)
    if wrong is not None or not addresses:
        raise Failed(f"{wrong or target!r} is no mail address: correct --mail-user", again=False)
    if settings["program"]:
        words = [settings["program"], "-s", visible(body["subject"]), ",".join(addresses)]
        run(words, body["text"].encode(errors="replace"), body["variables"])
        return
    sender = settings["sender"] or f"{getpass.getuser()}@{settings['domain'] or socket.getfqdn()}"
    message = _message(sender, addresses, body, name)
    if settings["smtp"]:
        _send_by_smtp(settings, sender, addresses, message)
    else:
        run([_sendmail(settings), "-i", "-f", sender, "--", *addresses], message.as_bytes(), {})


def _message(sender: str, addresses: list[str], body: Mapping[str, Any], name: str) -> EmailMessage:
    message = EmailMessage(WIDE)
    message["From"] = sender
    message["To"] = ", ".join(addresses)
    message["Subject"] = visible(body["subject"])
    message["Date"] = format_datetime(datetime.fromtimestamp(body["time"], UTC).astimezone())
    message["Message-ID"] = f"<{name}@{sender.rpartition('@')[2]}>"
    message["Auto-Submitted"] = "auto-generated"
    message.set_content("".join(f"{visible(line)}\n" for line in body["text"].splitlines()))
    return message


def _sendmail(settings: Mapping[str, Any]) -> str:
    found = settings["sendmail"] or shutil.which(SENDMAIL) or shutil.which(SENDMAIL, path=PLACES)
    if not found:
        raise Failed("this machine has no sendmail: write mail.smtp or mail.program into the fleet file", again=False)
    return str(found)


def _send_by_smtp(settings: Mapping[str, Any], sender: str, addresses: list[str], message: EmailMessage) -> None:
    host, _, port = settings["smtp"].partition(":")
    security, context = settings["security"], ssl.create_default_context(cafile=settings["ca_file"])
    number, timeout = int(port) if port else PORTS[security], settings["timeout"]
    password = _password(settings["password_file"]) if settings["user"] else ""
    try:
        with _connect(host, number, timeout, context if security == "tls" else None) as server:
            if security == "starttls":
                server.starttls(context=context)
            if settings["user"]:
                server.login(settings["user"], password)
            refused = server.send_message(message, sender, addresses)
    except ssl.SSLCertVerificationError as error:
        hint = "mail.ca_file in the fleet file names who vouches for it"
        raise Failed(f"{host} cannot be trusted: {error.verify_message} ({hint})", again=True) from None
    except smtplib.SMTPRecipientsRefused as error:
        answers = [visible(text.decode(errors="replace")) for _, text in error.recipients.values()]
        again = any(code < 500 for code, _ in error.recipients.values())
        raise Failed(f"{host} takes no mail for {', '.join(error.recipients)}: {answers[0]}", again=again) from None
    except smtplib.SMTPAuthenticationError:
        raise Failed(f"{host} does not let {settings['user']} in: correct mail.password_file", again=True) from None
    except smtplib.SMTPResponseException as error:
        text = error.smtp_error.decode(errors="replace") if isinstance(error.smtp_error, bytes) else error.smtp_error
        raise Failed(f"{host} answers {error.smtp_code} {visible(text)}", again=error.smtp_code < 500) from None
    except smtplib.SMTPNotSupportedError as error:
        raise Failed(f"{host}: {error} (mail.security says what is wanted)", again=False) from None
    except (OSError, smtplib.SMTPException) as error:
        raise Failed(f"{host} does not answer: {error or type(error).__name__}", again=True) from None
    if refused:
        raise Failed(f"{host} takes no mail for {', '.join(refused)}, and has taken it for the others", again=False)


def _connect(host: str, port: int, timeout: float, context: ssl.SSLContext | None) -> smtplib.SMTP:
    if context is not None:
        return smtplib.SMTP_SSL(host, port, timeout=timeout, context=context)
    return smtplib.SMTP(host, port, timeout=timeout)


def _password(path: str) -> str:
    """A file that others can read is no place for a password."""
    try:
        with open(path, encoding="utf-8") as file:
            if stat.S_IMODE(os.fstat(file.fileno()).st_mode) & 0o077:
                raise Failed(f"others can read {path}: chmod 600 {path}", again=True)
            return file.read().strip("\n")
    except OSError as error:
        raise Failed(f"{path}: {error.strerror}", again=True) from None
