"""The guides: what they say is done, and leads where they say."""

from __future__ import annotations

import pytest

from tests.clients.conftest import BY_ADDRESS, CLIENTS, TESTED
from tests.clients.guides import GUIDES, follow
from tests.clients.lab import Lab


def test_each_client_has_its_guide():
    assert sorted(path.stem for path in GUIDES.glob("*.md") if path.stem != "README") == CLIENTS


@pytest.mark.parametrize("client", [client for client in TESTED if client != "ray"])  # which test_ray.py does
def test_a_guide_leads_from_nothing_to_a_run(request: pytest.FixtureRequest, client: str):
    lab: Lab = request.getfixturevalue("lab_by_address" if client in BY_ADDRESS else "lab")
    assert follow(lab, client) >= 3
