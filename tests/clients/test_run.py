"""The words of scripts/test-clients."""

from __future__ import annotations

import pytest

from tests.clients.conftest import CLIENTS
from tests.clients.run import main


@pytest.mark.parametrize("option", ["-h", "--help"])
def test_help_says_which_clients_there_are(option: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([option]) == 0
    out = capsys.readouterr().out
    assert out.startswith("usage: test-clients [CLIENT ...]")
    assert out.splitlines()[-1].split()[1:] == CLIENTS


def test_an_unknown_client_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["submitit", "nobody"]) == 2
    said = "test-clients: there is no client nobody: tests/clients/ has a folder for each\n"
    assert capsys.readouterr().err == said
