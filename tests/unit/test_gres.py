"""model/gres.py."""

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mini_slurm.model.gres import Gres, Part, by_type, parse, parse_gpus, parts


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


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("gpu:2", []),
        ("shard:3", [Part("", 0, 3)]),
        ("shard:a100:3,gpu:1", [Part("a100", 0, 3)]),
        ("gpu:1,gpumem:16G", [Part("", 16384, 0)]),
        ("gpumem:500", [Part("", 500, 0)]),
        ("gpu:a100:2,gpumem:16G", [Part("a100", 16384, 0)] * 2),
        ("shard:0", []),
    ],
)
def test_parts_of_gpus_are_read(text: str, found: list[Part]) -> None:
    assert parts(parse(text)) == tuple(found)


def test_gpus_of_which_only_some_memory_is_wanted_are_no_whole_ones() -> None:
    assert by_type(parse("gpu:2,gpumem:16G")) == {}
    assert by_type(parse("gpu:2,shard:1")) == {"": 2}


@pytest.mark.parametrize("text", ["gpumem", "gpumem:", "gpumem:much", "gpumem:a100:5", "shard:"])
def test_parts_that_are_no_amounts_are_refused(text: str) -> None:
    with pytest.raises(ValueError):
        parse(text)
