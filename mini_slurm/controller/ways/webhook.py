"""A URL that is told of an event: POST of the document. Redirects are not followed: what is told may be private."""

from __future__ import annotations

import base64
import http.client
import json
import ssl
from collections.abc import Mapping
from typing import Any
from urllib.parse import SplitResult, unquote, urlsplit

from mini_slurm import __version__
from mini_slurm.controller.ways import Failed

BUSY = (408, 425, 429)  # and all from 500 on: trying again may help


def send(settings: Mapping[str, Any], target: str, body: Mapping[str, Any], name: str) -> None:
    """Raises Failed, without anything of the URL but its host."""
    url = urlsplit(target)
    connection = _connection(url, settings)
    path = (url.path or "/") + (f"?{url.query}" if url.query else "")
    try:
        connection.request("POST", path, json.dumps({**body["document"], "id": name}).encode(), _headers(url, name))
        answer = connection.getresponse()
    except ssl.SSLCertVerificationError as error:
        hint = "notices.ca_file in the fleet file names who vouches for it"
        raise Failed(f"{url.hostname} cannot be trusted: {error.verify_message} ({hint})", again=True) from None
    except (OSError, http.client.HTTPException) as error:
        raise Failed(f"{url.hostname} does not answer: {error or type(error).__name__}", again=True) from None
    finally:
        connection.close()
    if not 200 <= answer.status < 300:
        again = answer.status in BUSY or answer.status >= 500
        raise Failed(f"{url.hostname} answers {answer.status} {answer.reason}", again=again)


def _connection(url: SplitResult, settings: Mapping[str, Any]) -> http.client.HTTPConnection:
    host, timeout = url.hostname or "", settings["timeout"]
    if url.scheme == "http":
        return http.client.HTTPConnection(host, url.port, timeout=timeout)
    context = ssl.create_default_context(cafile=settings["ca_file"])
    return http.client.HTTPSConnection(host, url.port, timeout=timeout, context=context)


def _headers(url: SplitResult, name: str) -> dict[str, str]:
    headers = {
        "Content-Type": "application/json",
        "User-Agent": f"mini_slurm/{__version__}",
        "Idempotency-Key": name,
    }
    if url.username is not None:
        login = f"{unquote(url.username)}:{unquote(url.password or '')}"
        headers["Authorization"] = "Basic " + base64.b64encode(login.encode()).decode()
    return headers
