"""model/gres.py."""

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mini_slurm.model.gres import Gres, by_type, parse, parse_gpus


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("gpu", [("gpu", "", 1)]),
        ("gpu:2", [("gpu", "", 2)]),
        ("gpu:a100", [("gpu", "a100", 1)]),
        ("gpu:a100:2,gpu:1", [("gpu", "a100", 2), ("gpu", "", 1)]),
        ("gpu:1k", [("gpu", "", 1024)]),
        ("gpu:0", []),
        ("tape:0", []),
        ("", []),
        (",", []),
    ],
)
def test_lists_are_read(text: str, found: list[tuple[str, str, int]]) -> None:
    assert parse(text) == tuple(Gres(*one) for one in found)


@pytest.mark.parametrize("text", ["tape", "tape:1", "gpu:", "gpu:a:b", "gpu:a:1x", "gpu::1", ":1", "GPU:1"])
def test_what_is_no_resource_of_ours_is_refused(text: str) -> None:
    with pytest.raises(ValueError):
        parse(text)


def test_gpus_go_by_their_types() -> None:
    assert by_type(parse_gpus("a100:2,3,a100:4")) == {"a100": 4, "": 3}


@given(st.text(alphabet="gpu:,012a9k-+ib", max_size=20))
def test_any_text_is_read_or_refused(text: str) -> None:
    with contextlib.suppress(ValueError):
        assert all(one.amount > 0 for one in parse(text))
