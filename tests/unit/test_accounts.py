"""What msacctmgr lists of associations, users and clusters."""

from __future__ import annotations

import pytest

from mini_slurm.cli.accounts import refused, unknown
from mini_slurm.cli.accounts.entities import ENTITIES
from mini_slurm.cli.conditions import Wish
from mini_slurm.model.associations import tree
from mini_slurm.model.fleet import Association, Fleet
from mini_slurm.output.layout import View
from mini_slurm.output.manager_fields import table
from mini_slurm.output.manager_records import among

FLEET = Fleet(
    "mini", "", {}, {},
    accounts={
        "science": {"alice": Association(("normal", "high"), default=True), "bob": Association(default=True)},
        "extra": {"alice": Association()},
    },
)  # fmt: skip


def listed(entity: str, *words: str) -> list[str]:
    row = next(one for one in ENTITIES if one.names.fits(entity))
    wish = Wish(words, row.conditions, row.switches, row.bare)
    records = among(row.records(FLEET, wish), wish.names)
    return list(
        table(row.chosen(wish), row.values, tree=False).text(records, View(0.0, str), named=False, form="parsable2")
    )


def test_numbers_and_edges_are_those_of_accounts_made_in_the_order_of_the_file() -> None:
    assert {(one.account, one.user): (one.number, one.left, one.right) for one in tree(FLEET)} == {
        ("root", ""): (1, 1, 14),
        ("root", "root"): (2, 12, 13),
        ("extra", ""): (4, 2, 5),
        ("extra", "alice"): (6, 3, 4),
        ("science", ""): (3, 6, 11),
        ("science", "alice"): (5, 9, 10),
        ("science", "bob"): (7, 7, 8),
    }


def test_only_defaults() -> None:
    shown = listed("assoc", "onlydefaults", "format=account,user")
    assert shown == ["root|root", "science|alice", "science|bob"]


def test_what_is_said_of_each_association_itself() -> None:
    users = ["extra|alice|", "science|bob|", "science|alice|high,normal", "root|root|"]
    assert listed("assoc", "wopinfo", "format=account,user,qos") == [*users, "root||normal", "extra||", "science||"]


@pytest.mark.parametrize("word", ["onlydefaults", "wopinfo", "tree"])
def test_words_that_only_associations_know_are_names_elsewhere(word: str) -> None:
    assert listed("user", word) == []
    assert len(listed("user")) == 3


@pytest.mark.parametrize(
    ("words", "shown"),
    [
        (["qos=high"], ["science|alice"]),
        (["user="], ["root|", "extra|", "science|"]),
        (["withsub", "account=root"], ["root|", "root|root", "extra|", "extra|alice", "science|", "science|alice"]),
        (["account=root"], ["root|", "root|root"]),
        (["defaultqos=normal"], []),
        (["user==alice"], ["extra|alice", "science|alice"]),
    ],
)
def test_associations_that_are_asked_for(words: list[str], shown: list[str]) -> None:
    assert [one for one in listed("assoc", *words, "format=account,user") if "bob" not in one] == shown


@pytest.mark.parametrize(
    ("level", "names"),
    [("none", ["alice", "bob"]), ("admin", ["root"]), ("operator", []), ("x", ["alice", "bob", "root"])],
)
def test_users_by_level(level: str, names: list[str]) -> None:
    assert listed("user", f"adminlevel={level}", "format=user") == names


def test_a_user_whose_associations_are_not_asked_for_has_none_of_their_numbers() -> None:
    assert listed("user", "alice", "format=user,share,maxjobs,priority,id,lft,qos") == ["alice|0|0||0|0|"]
    assert listed("account", "extra", "format=account,share,maxjobs,id") == ["extra|0|0|0"]


def test_numbers_of_qos_are_shown_in_their_order() -> None:
    assert listed("assoc", "user=alice", "format=account,qosraw") == ["extra|1", "science|1"]


def test_numbers_are_never_cut() -> None:
    row = next(one for one in ENTITIES if one.names.fits("tres"))
    wish = Wish(["id=1001", "format=id%2,type%2"], row.conditions, row.switches, row.bare)
    shown = table(row.chosen(wish), row.values).lines(among(row.records(FLEET, wish), wish.names), View(0.0, str))
    assert list(shown) == ["1001 g+ "]


def test_a_cluster_of_no_class() -> None:
    assert listed("cluster", "classification=x", "format=cluster,fedstate") == ["mini|NA"]
    assert listed("cluster", "classification=capability", "format=cluster") == []


def test_columns_that_switches_add() -> None:
    assert listed("account", "science", "withcoord") == ["science|science|science|"]
    assert listed("cluster", "withfed", "format=cluster,federation") == ["mini|"]
    assert len(listed("cluster", "withfed")[0].split("|")) == len(listed("cluster")[0].split("|")) + 4


BAD_JOBS = "sacctmgr: error: Invalid value for MaxJobs (foo)"
CONDITION, OPTION = " Use keyword 'set' to modify value", " Use keyword 'where' to modify condition"


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("user zoe set fairshare=5", []),
        ("user where name=zoe set x=y maxj=3 z+=1", [" Unknown option: x=y", OPTION, " Unknown option: z+=1", OPTION]),
        ("user foo=zoe Set x=y", [" Unknown condition: foo=zoe", CONDITION, " Unknown option: x=y", OPTION]),
        ("account science x=3", [" Unknown condition: x=3", CONDITION]),
        ("user zoe set maxjobs=foo", [BAD_JOBS, " Unknown option: maxjobs=foo", OPTION]),
        ("account science set maxj=foo grpjobsa=1x", [BAD_JOBS, " Unknown option: maxj=foo", OPTION]),
        ("user zoe set maxjobs=-5 priority= shares=1.5 fairshare=Parent", []),
        (
            "cluster mini set shares=parents",
            ["sacctmgr: error: Invalid value for FairShare (parents)", " Unknown option: shares=parents", OPTION],
        ),
        ("cluster mini set fairshare=3 name", [" Bad format on name: End your option with an '=' sign"]),
    ],
)
def test_words_of_modify_that_name_nothing(line: str, said: list[str]) -> None:
    entity, *words = line.split()
    assert unknown.complaints("sacctmgr", entity, words) == said
    assert not said or refused.complaints("sacctmgr", "modify", line.split()) == said
