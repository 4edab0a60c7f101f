"""model/fair_share.py and model/associations.py."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mini_slurm.model.associations import tree
from mini_slurm.model.fair_share import shares, used
from mini_slurm.model.fleet import Association, Fleet
from mini_slurm.model.job import Job
from mini_slurm.output import share_fields

FLEET = Fleet(
    "mini",
    "",
    {},
    {},
    accounts={
        "science": {"alice": Association(("normal", "high"), True), "bob": Association()},
        "extra": {"alice": Association()},
    },
)
DAY = 86400.0


def factors(usage: dict[tuple[str, str], float]) -> dict[tuple[str, str], float]:
    found = shares(tree(FLEET), usage)
    return {(one.account, one.user): share.factor for one, share in found.items() if one.user}


def test_the_tree_has_users_before_accounts_each_by_name() -> None:
    assert [(one.account, one.user) for one in tree(FLEET)] == [
        ("root", ""),
        ("root", "root"),
        ("extra", ""),
        ("extra", "alice"),
        ("science", ""),
        ("science", "alice"),
        ("science", "bob"),
    ]


def test_edges_enclose_what_is_below() -> None:
    found = tree(FLEET)
    assert (found[0].left, found[0].right) == (1, 2 * len(found))
    assert all(one.parent is None or one.parent.left < one.left < one.right < one.parent.right for one in found)


def test_the_first_account_is_the_default_where_none_is_said() -> None:
    defaults = {(one.account, one.user) for one in tree(FLEET) if one.is_default}
    assert defaults == {("root", "root"), ("science", "alice"), ("science", "bob")}


def test_nobody_has_used_anything_and_all_are_first() -> None:
    assert set(factors({}).values()) == {1.0}


def test_an_account_that_used_more_comes_later_with_all_its_users() -> None:
    found = factors({("science", "alice"): 150.0})
    assert found[("root", "root")] == found[("extra", "alice")] == 1.0
    assert found[("science", "bob")] == 0.5
    assert found[("science", "alice")] == 0.25


def test_usage_counts_for_the_accounts_above() -> None:
    found = {(one.account, one.user): share for one, share in shares(tree(FLEET), {("extra", "alice"): 30.0}).items()}
    assert found[("root", "")].usage == found[("extra", "")].usage == 30.0
    assert found[("extra", "")].effective == 1.0
    assert found[("extra", "")].normal_shares == pytest.approx(1 / 3)
    assert math.isinf(found[("science", "")].level)


def test_shares_count_among_those_beside_each_other() -> None:
    users = {"ann": Association(shares=1), "ben": Association(shares=3), "guest": Association(shares=0)}
    fleet = Fleet("lab", "", {}, {}, accounts={"lab": users}, whole_accounts={"lab": Association(shares=4)})
    used_alike = {("lab", user): 10.0 for user in users}
    found = {(one.account, one.user): share for one, share in shares(tree(fleet), used_alike).items()}
    assert found[("lab", "")].normal_shares == pytest.approx(4 / 5)
    assert found[("lab", "ben")].normal_shares == 0.75
    assert found[("lab", "ben")].factor > found[("lab", "ann")].factor > found[("lab", "guest")].factor


def test_who_has_no_share_comes_last_from_the_beginning() -> None:
    users = {"ann": Association(), "guest": Association(shares=0)}
    fleet = Fleet("lab", "", {}, {}, accounts={"lab": users})
    found = {one.user: share for one, share in shares(tree(fleet), {}).items()}
    assert found["ann"].factor > found["guest"].factor


USAGE = st.dictionaries(
    st.sampled_from([("science", "alice"), ("science", "bob"), ("extra", "alice"), ("root", "root")]),
    st.floats(0, 1e6, allow_subnormal=False),
)


@given(USAGE)
def test_factors_are_parts_of_one_and_somebody_is_first(usage: dict[tuple[str, str], float]) -> None:
    values = factors(usage).values()
    assert all(0 < value <= 1 for value in values)
    assert max(values) == 1.0


def test_half_a_life_ago_counts_half() -> None:
    recent = Job(job_id=1, start_time=0.0, end_time=10.0, alloc_cpus=4)
    assert used(recent, 10.0, DAY) == pytest.approx(40.0, rel=1e-3)
    assert used(recent, 10.0 + DAY, DAY) == pytest.approx(20.0, rel=1e-3)
    assert used(recent, 10.0 + 9 * DAY, None) == 40.0


def test_a_job_that_never_ran_used_nothing() -> None:
    assert used(Job(job_id=1, alloc_cpus=4), 10.0, DAY) == 0.0
    assert used(Job(job_id=1, start_time=20.0, alloc_cpus=4), 10.0, DAY) == 0.0


@pytest.mark.parametrize(("text", "names"), [("", ["Account"]), (",", ["Account"]), (",user,", ["User"])])
def test_a_format_without_names_has_the_first_column(text: str, names: list[str]) -> None:
    assert [field.name for field, _ in share_fields.table(text).cells] == names
