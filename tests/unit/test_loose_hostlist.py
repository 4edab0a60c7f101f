"""Hostlists as scontrol takes them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mini_slurm.model import hostlist
from mini_slurm.model.loose_hostlist import BadRange, expand, hosts, in_order


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("node[1-2,4]", ["node1", "node2", "node4"]),
        ("node[01-03]", ["node01", "node02", "node03"]),
        ("n[1-2]m[3-4]", ["n1m3", "n1m4", "n2m3", "n2m4"]),
        ("r[1-2]c[3]-[4-5]", ["r1c3-4", "r1c3-5", "r2c3-4", "r2c3-5"]),
        ("a,b c\td", ["a", "b", "c", "d"]),
        (",a,,b,", ["a", "b"]),
        ("", []),
        ("node]", ["node]"]),
        ("node[1-2", ["node]"]),
        ("[x", ["x"]),
        ("[1-2]", ["1", "2"]),
        ("node[3-]", ["node3"]),
        ("node[9-11]", ["node9", "node10", "node11"]),
        ("n[1 -3]", ["n01", "n02", "n03"]),
        ("n[1- +2]", ["n1", "n2"]),
        ("a[1-2][3-4][5-6]", ["a135", "a136", "a235", "a236", "a145", "a146", "a245", "a246"]),
        ("n99999999999999999999", ["n18446744073709551615"]),
        ("n[99999999999999999999]", ["n18446744073709551615"]),
    ],
)
def test_a_list_is_spelled_out(text: str, names: list[str]) -> None:
    assert expand(text) == names


@pytest.mark.parametrize("text", ["001-010:3", "3-1", "", "a", "1-2-3", "-3", "1--2", "1 ", "1-3x", "1x-3"])
def test_a_range_that_is_none_is_named(text: str) -> None:
    with pytest.raises(BadRange, match="Invalid range") as caught:
        expand(f"node[{text}]")
    assert str(caught.value) == f"Invalid range: `{text}'"


@pytest.mark.parametrize("text", ["node[1-2]x", "n[1-40000][1-40000]", "n[1-99999999]"])
def test_what_cannot_be_a_list_is_refused(text: str) -> None:
    with pytest.raises(ValueError):
        expand(text)


@given(st.lists(st.from_regex(r"[a-z]{1,3}([0-9]{1,4})?", fullmatch=True), max_size=20))
def test_what_we_write_is_read_alike(names: list[str]) -> None:
    assert expand(hostlist.compress(names)) == names


@pytest.mark.parametrize(
    ("names", "text"),
    [
        ("node3,node1,node2,node1", "node[1,1-3]"),
        ("b,a", "a,b"),
        ("n10,n9,n100", "n[9-10,100]"),
        ("rack10n1,rack9n2", "rack9n2,rack10n1"),
        ("n010,n9", "n[9,010]"),
        ("x2,x,x1", "x,x[1-2]"),
        ("a[1-2][3-4],a15", "a15,a1[3-4],a2[3-4]"),
        ("a[1-2][3-4][5-6]", "a13[5-6],a14[5-6],a23[5-6],a24[5-6]"),
    ],
)
def test_names_are_put_in_order(names: str, text: str) -> None:
    assert hostlist.join(in_order(hosts(names))) == text


@pytest.mark.parametrize(
    ("names", "text"),
    [
        ("a[1-2][3-4],a15", "a1[3-4],a2[3-4],a15"),
        ("a[1-2]3[4-5]", "a13[4-5],a23[4-5]"),
        ("a13,a[1][4-5]", "a13,a1[4-5]"),
        ("a[1-2][3]", "a13,a23"),
        ("n4294967295,n4294967296,n99999999999999999999", "n[4294967295-4294967296,18446744073709551615]"),
    ],
)
def test_brackets_beside_each_other_stay_apart(names: str, text: str) -> None:
    assert hostlist.join(hosts(names)) == text


@given(st.lists(st.from_regex(r"[a-z]{1,2}([0-9]{1,3})?", fullmatch=True), max_size=12))
def test_order_keeps_every_name(names: list[str]) -> None:
    some = hosts(",".join(names))
    assert sorted(in_order(some)) == sorted(some)
