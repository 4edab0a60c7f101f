"""model/hostlist.py."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mini_slurm.model.hostlist import compress, expand


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("node1", ["node1"]),
        ("node[1-3]", ["node1", "node2", "node3"]),
        ("node[1-2,07-09],x", ["node1", "node2", "node07", "node08", "node09", "x"]),
        ("a[1-2]b[3-4]", ["a1b3", "a1b4", "a2b3", "a2b4"]),
        ("gpu[1-2]-ib", ["gpu1-ib", "gpu2-ib"]),
        ("n[9-11]", ["n9", "n10", "n11"]),
        ("n[098-101]", ["n098", "n099", "n100", "n101"]),
        ("a, b", ["a", "b"]),
        ("", []),
    ],
)
def test_a_hostlist_is_spelled_out(text: str, names: list[str]) -> None:
    assert expand(text) == names


@pytest.mark.parametrize(
    "text",
    ["node[1-", "node[1]]", "node]1[", "node[]", "node[3-1]", "node[a-b]", "n[1-2-3]", "n[-3]", "n[[1]]", "n[²]"],
)
def test_a_broken_hostlist_is_refused(text: str) -> None:
    with pytest.raises(ValueError):
        expand(text)


@pytest.mark.parametrize("text", ["n[1-999999999]", "a[1-60000]b[1-60000]", "a[1-40000],b[1-40000]"])
def test_a_slip_that_names_a_million_machines_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="more than"):
        expand(text)


@pytest.mark.parametrize(
    ("names", "text"),
    [
        (["node1"], "node1"),
        (["node1", "node3", "node4"], "node[1,3-4]"),
        (["node1", "node2"], "node[1-2]"),
        (["n08", "n09", "n10"], "n[08-10]"),
        (["n9", "n10"], "n[9-10]"),
        (["login", "node1", "node2", "gpu1"], "login,node[1-2],gpu1"),
        (["a", "b"], "a,b"),
        ([], ""),
    ],
)
def test_names_are_compressed_as_slurm_shows_them(names: list[str], text: str) -> None:
    assert compress(names) == text


NAMES = st.from_regex(r"[a-z]{1,3}(-[a-z])?([0-9]{1,4})?", fullmatch=True)


@given(st.lists(NAMES, max_size=30))
def test_compressed_names_come_back_in_their_order(names: list[str]) -> None:
    assert expand(compress(names)) == names


@given(st.text(alphabet="n01-[],", max_size=12))
def test_whatever_expands_compresses_to_the_same_machines(text: str) -> None:
    try:
        names = expand(text)
    except ValueError:
        return
    assert expand(compress(names)) == names
