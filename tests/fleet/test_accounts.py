"""msacctmgr and msshare as commands: what the fleet file's accounts look like to Slurm's tools."""

from __future__ import annotations

import io
import sys
import time
from pathlib import Path

import pytest

from mini_slurm.cli.conditions import Wish, conditions
from mini_slurm.model.states import JobState
from tests.fleet.shell import FLEET, OWN, Shell, job, prepared, running

PERSON = "alice" if OWN == "root" else OWN  # root has a place of its own in accounting
ACCOUNTS = f"""
[qos.normal]
[qos.high]
priority = 100
[accounts.science]
users = {{ zoe = {{}}, {PERSON} = {{ qos = ["normal", "high"], default = true }} }}
[accounts.extra]
users = {{ {PERSON} = {{}} }}
"""
SHARES = "Account                    User  RawShares  NormShares    RawUsage  EffectvUsage  FairShare \n"


@pytest.fixture
def run(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Shell:
    shell = prepared(tmp_path, capsys, monkeypatch)
    (tmp_path / "fleet.toml").write_text(FLEET + ACCOUNTS)
    return shell


# --- sacctmgr


@pytest.mark.parametrize(
    ("line", "output"),
    [
        ("show qos format=name,priority", "normal|0\nhigh|100\n"),
        ("list account", "extra|extra|extra\nroot|default root account|root\nscience|science|science\n"),
        ("show acct science,EXTRA format=account", "extra\nscience\n"),
        ("show account where name=science format=acc%30", "science\n"),
        ("show user zoe", "zoe|science|None\n"),
        ("show user zoe account=science qos=normal", "zoe|science|None\n"),
        ("show user zoe account=extra", "zoe||None\n"),
        ("show user zoe qos=high", "zoe||None\n"),
        ("show user zoe partition=gpu", "zoe||None\n"),
        ("show user nobody account=science", ""),
        (f"show user {PERSON} account=science format=user,defaultaccount", f"{PERSON}|science\n"),
        (f"show user {PERSON} withassoc account=extra format=user,account", f"{PERSON}|extra\n"),
        ("list user name=root format=user,adm", "root|Administrator\n"),
        ("show assoc account=science user=zoe format=cluster,account,user,share,qos", "mini|science|zoe|1|normal\n"),
        ("show assoc id=1 format=account,user,parentname,lft,rgt", "root|||1|14\n"),
        ("show cluster format=cluster,controlport,rpc", "mini|6817|9728\n"),
        ("show tres type=gres", "gres|gpu|1001\n"),
        ("show user nobody", ""),
        ("show event", ""),
        ("show user zoe withassoc format=user,account", "zoe|science\n"),
    ],
)
def test_things_are_listed(run: Shell, line: str, output: str) -> None:
    assert run(f"sacctmgr -n -P {line}") == (0, output, "")


LIMITS = f"""
[qos.normal]
grp_tres = {{ gpus = 4, cpus = 64, memory = "256G" }}
max_jobs_per_user = 3
max_submit_jobs_per_user = 4
max_wall = "1-00:00:00"
[accounts.science]
grp_jobs = 9
max_jobs = 5
max_wall = 90
users = {{ {OWN} = {{ max_jobs = 2, default = true }}, zoe = {{}} }}
"""


def test_limits_are_listed_and_a_users_are_those_of_the_account_too(run: Shell, tmp_path: Path) -> None:
    (tmp_path / "fleet.toml").write_text(FLEET + LIMITS)
    columns = "format=grptres%50,grpjobs,maxjobspu,maxsubmitpu,maxwall"
    assert run(f"sacctmgr -n -P show qos normal {columns}")[1] == ("cpu=64,mem=256G,gres/gpu=4||3|4|1-00:00:00\n")
    found = run("sacctmgr -n -P show assoc account=science format=user,grpjobs,maxjobs,maxwall")[1]
    assert sorted(found.splitlines()) == sorted(["|9|5|01:30:00", f"{OWN}||2|01:30:00", "zoe||5|01:30:00"])


def test_a_submission_too_many_is_refused_in_slurms_words_and_nothing_is_stored(run: Shell, tmp_path: Path) -> None:
    (tmp_path / "fleet.toml").write_text(FLEET + LIMITS)
    assert run("sbatch --parsable -H -a 1-3 --wrap true") == (0, "1\n", "")
    assert run("sbatch --parsable -H --wrap true") == (0, "2\n", "")
    assert run("sbatch --parsable --wrap true") == (
        1,
        "",
        "sbatch: error: QOSMaxSubmitJobPerUserLimit\nsbatch: error: Batch job submission failed: Job violates"
        " accounting/QOS policy (job submit limit, user's size and/or time limits)\n",
    )
    assert run("squeue -h -o %A")[1] == "2\n1\n"


def test_columns_are_padded_and_named(run: Shell) -> None:
    assert run("sacctmgr show user zoe")[1] == (
        "      User   Def Acct     Admin \n---------- ---------- --------- \n       zoe    science      None \n"
    )
    assert run("sacctmgr -p show qos high format=name")[1] == "Name|\nhigh|\n"


def test_associations_are_a_tree(run: Shell) -> None:
    lines = run("sacctmgr -n show assoc tree format=account,user")[1].splitlines()
    assert [line.rstrip() for line in lines] == [
        "root",
        f"{' root':20} {'root':>10}",
        " extra",
        f"{'  extra':20} {PERSON:>10}",
        " science",
        f"{'  science':20} {PERSON:>10}",
        f"{'  science':20} {'zoe':>10}",
    ]


def test_a_users_accounts_are_found_as_clients_look_for_them(run: Shell) -> None:
    code, output, errors = run(f"sacctmgr -n -s list user {PERSON} format=account%20")
    assert (code, output, errors) == (0, f"{'extra':>20} \n{'science':>20} \n", "")
    assert run(f"sacctmgr -nP show user {PERSON} format=user,defaultaccount") == (0, f"{PERSON}|science\n", "")


@pytest.mark.parametrize(
    ("line", "errors"),
    [
        ("frob", "invalid keyword: frob\n"),
        ("show frob", "No valid entity in list command\nInput line must include "),
        ("show", "No valid entity in list command\n"),
        ("show user foo=1", " Unknown condition: foo=1\n Use keyword 'set' to modify value\n"),
        ("show user format=foo", "Unknown field 'foo'\n"),
        ("show assoc x", "sacctmgr: error: Invalid value for AssocId (x)\n"),
        ("add", "No valid entity in add command\nInput line must include "),
        ("add user", " Need name of user to add.\n"),
        ("add user x", " Need name of account to add user to.\n"),
        ("-i add user x account=science", " Problem adding users: Access/permission denied\n"),
        ("delete user", " No conditions given to remove, not executing.\n"),
        ("delete user x", "sacctmgr: error: Your user doesn't have privilege to perform this action\n Error with "),
        ("modify account", " You didn't give me anything to set\n"),
        ("modify x", "No valid entity in modify command\n"),
        ("-r delete user x", "Can't run this command in readonly mode.\n"),
        ("-x", "sacctmgr: invalid option -- 'x'\nTry \"sacctmgr --help\" for more information\n"),
    ],
)
def test_what_is_wrong_is_said(run: Shell, line: str, errors: str) -> None:
    code, output, complaint = run(f"sacctmgr {line}")
    assert (code, output) == (1, "")
    assert complaint.startswith(errors)


def test_under_our_own_name_who_wants_to_change_accounts_hears_where_they_are(run: Shell) -> None:
    code, _, errors = run("msacctmgr add user x account=science")
    assert code == 1
    assert errors.startswith("msacctmgr: error: accounts are kept in ")


def test_a_conversation_goes_on_after_a_mistake(run: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO("frob\nshow qos format=name\nquit\n"))
    code, output, errors = run("sacctmgr -n")
    assert (code, errors) == (1, "invalid keyword: frob\n")
    assert output == "sacctmgr: frob\nsacctmgr: show qos format=name\n    normal \n      high \nsacctmgr: quit\n"


def test_a_fleet_without_accounts_has_root(run: Shell, tmp_path: Path) -> None:
    (tmp_path / "fleet.toml").write_text(FLEET)
    assert run("sacctmgr -nP show assoc format=account,user,qos") == (0, "root||normal\nroot|root|normal\n", "")
    assert run("sacctmgr -nP show qos format=name,priority") == (0, "normal|0\n", "")


# --- sshare


def test_shares_without_usage_are_all_alike(run: Shell) -> None:
    lines = run("sshare -a")[1].splitlines(keepends=True)
    assert lines[0] == SHARES
    assert lines[2].split() == ["root", "0.000000", "0", "1.000000"]
    assert {line.split()[-1] for line in lines[2:] if "  " in line and PERSON in line} == {"1.000000"}


def test_who_used_less_than_their_share_goes_first(run: Shell) -> None:
    now = time.time()
    over = {"state": JobState.COMPLETED, "start_time": now - 100, "end_time": now, "alloc_cpus": 2}
    run.fill(job(1, user="zoe", account="science", **over))
    rows = dict(line.split("|", 1) for line in run("sshare -a -U -n -P -o user,rawusage,effectv,fair")[1].splitlines())
    assert rows["zoe"].split("|") == ["200", "1.000000", "0.250000"] or rows["zoe"].startswith("199|")
    assert float(rows[PERSON].rpartition("|")[2]) > 0.25


def test_users_and_accounts_are_chosen(run: Shell) -> None:
    assert run("sshare -n -P -u zoe -U --format Account,User") == (0, "science|zoe\n", "")
    assert run("sshare -n -P -A extra -u zoe -o account") == (0, "extra\n", "")
    assert run("sshare -n -P -a -A science -o account,user")[1].splitlines()[0] == "science|"
    assert run("sshare -u 4294967294")[2] == "Invalid user id: 4294967294\n"


def test_running_jobs_still_have_time_to_use(run: Shell) -> None:
    run.fill(running(1, user="zoe", account="science", alloc_memory=500))
    output = run("sshare -n -P -u zoe -U -o TRESRunMins")[1]
    assert output.startswith(("cpu=9,mem=49", "cpu=10,mem=5000"))


def test_columns_can_be_asked_for(run: Shell) -> None:
    assert run("sshare -e")[1].startswith("Account           Cluster           EffectvUsage      FairShare        \n")
    assert run("sshare -o foo") == (1, "", 'sshare: error: Invalid field requested: "foo"\n')
    assert run("sshare -h -U -u zoe -o user%5,cluster") == (0, "  zoe       mini \n", "")


def test_a_user_who_is_named_twice_is_silently_refused(run: Shell) -> None:
    for line in ("zoe zoe", "zoe Zoe", "name=zoe users=zoe", "defaultaccount=science defaultaccount=science"):
        assert run(f"sacctmgr show user {line}") == (1, "", ""), line
    assert run("sacctmgr -nP show user zoe,zoe format=user") == (0, "zoe\n", "")
    assert run("sacctmgr -nP show user zoe alice,zoe format=user")[0] == 0
    assert run("sacctmgr -nP show account science science format=account") == (0, "science\n", "")


def test_a_blank_before_a_name_is_part_of_it() -> None:
    wish = Wish([" zoe,alice ", "format=user, account"], conditions("Names:1=name"), (), "name")
    assert (wish.names, wish.columns) == ({"name": {" zoe", "alice"}}, ["user", "account"])
