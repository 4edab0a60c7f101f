"""The script of a group of clients: defaults from the environment, and values that no shell reads."""

from __future__ import annotations

import shlex
import subprocess
from pathlib import Path
from typing import Any

import pytest

from mini_slurm import BadUsage, ClientDispatcher
from mini_slurm.api.group_book import Group, GroupBook, GroupExists, UnknownGroup
from mini_slurm.api.group_manager import check_address
from mini_slurm.errors import Refused, StateError, TemplateError

VARIABLES = {
    "SLURM_PARTITION": "gpu",
    "SLURM_QOS": "normal",
    "SLURM_ACCOUNT": "ai-factory",
    "CLIENT_SERVICE_HOST": "login-node-01",
    "CLIENT_SERVICE_PORT": "8001",
    "AI_SERVER_HOST": "ai-server",
    "AI_SERVER_PORT": "8000",
}
DGX = {"partition": "dgx", "qos": "gpu", "gres": "gpu:1", "constraint": "dgx_a100", "cpus_per_task": 8, "mem": "32G"}
HOSTILE = "'; touch owned; echo \"$(touch owned)`touch owned`\\ {benchmark_id"


@pytest.fixture(autouse=True)
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MINI_SLURM_STATE", str(tmp_path / "state"))


def script(folder: Path, variables: dict[str, str] = VARIABLES, **more: Any) -> str:
    return ClientDispatcher(log_dir=folder, environment=variables, **more).script(123, 5, 10)


def asked(text: str) -> set[str]:
    """The options, as a shell reads the lines: single words, whatever quotes are around them."""
    found = [shlex.split(line[1:])[1:] for line in text.splitlines() if line.startswith("#SBATCH ")]
    assert all(len(words) == 1 for words in found)
    return {word for [word] in found}


def test_the_script_asks_for_what_the_variables_and_defaults_say(tmp_path: Path) -> None:
    text = script(tmp_path)
    assert asked(text) == {
        "--job-name=benchmark-client-123",
        f"--output={tmp_path}/client_dispatcher_123.out",
        f"--error={tmp_path}/client_dispatcher_123.err",
        *("--nodes=5", "--ntasks-per-node=1", "--cpus-per-task=4", "--mem=8G", "--time=10:00"),
        *("--partition=gpu", "--qos=normal", "--account=ai-factory"),
    }
    lines = text.splitlines()
    assert "export CLIENT_SERVICE_ADDR=http://login-node-01:8001" in lines
    assert "export AI_SERVER_ADDR=http://ai-server:8000" in lines
    assert "export BENCHMARK_ID=123" in lines
    step = " ".join(line.strip(" \\") for line in lines[lines.index("    apptainer exec \\") :])
    assert step == (
        "apptainer exec client-service.sif python /app/src/main.py --client-service-addr http://login-node-01:8001"
        " --ai-server-addr http://ai-server:8000 --benchmark-id 123"
    )


def test_without_variables_the_fleets_defaults_count(tmp_path: Path) -> None:
    text = script(tmp_path, {})
    assert not any(option.startswith(("--partition", "--qos", "--account")) for option in asked(text))
    assert ":8001\n" in text


def test_a_configuration_of_a_cluster_wins(tmp_path: Path) -> None:
    found = asked(script(tmp_path, config=DGX))
    assert found >= {"--partition=dgx", "--qos=gpu", "--gres=gpu:1", "--constraint=dgx_a100", "--mem=32G"}
    assert "--cpus-per-task=8" in found


def test_a_command_of_ones_own_runs_without_a_container_unless_one_is_named(tmp_path: Path) -> None:
    command = ["python", "client.py", "{benchmark_id}/{num_clients}"]
    plain = script(tmp_path, launch_command=command)
    assert "apptainer" not in plain and plain.rstrip().endswith("python client.py 123/5")
    inside = script(tmp_path, launch_command=command, image="c.sif", binds=["/scratch", "/tmp"])
    assert "apptainer exec" in inside and "export APPTAINER_BIND=/scratch,/tmp" in inside


def test_no_value_is_read_by_a_shell(tmp_path: Path) -> None:
    text = script(
        tmp_path / "a b%j",
        client_service_addr=HOSTILE,
        ai_server_addr=HOSTILE,
        launch_command=["show", HOSTILE, "{client_service_addr}"],
        config={"partition": HOSTILE, "comment": HOSTILE},
        extra_environment={"SECRET": HOSTILE},
    )
    stubs = 'srun() { shift 3; "$@"; }\nshow() { printf "<%s>" "$@" "$SECRET" "$CLIENT_SERVICE_ADDR"; }\n'
    environment = {"PATH": "/bin:/usr/bin", "SLURM_JOB_NUM_NODES": "1"}
    done = subprocess.run(["bash", "-c", stubs + text], cwd=tmp_path, capture_output=True, text=True, env=environment)
    assert (done.stdout, done.stderr) == (f"<{HOSTILE}>" * 4, "")
    assert not (tmp_path / "owned").exists()
    assert any("a b%%j/client_dispatcher_123.out" in option for option in asked(text))


@pytest.mark.parametrize(
    ("numbers", "error"),
    [
        ((-1, 1, 1), BadUsage),
        (("1", 1, 1), BadUsage),
        ((1, 0, 1), BadUsage),
        ((1, 1, 0), BadUsage),
        ((1, True, 1), BadUsage),
    ],
)
def test_numbers_are_numbers(tmp_path: Path, numbers: tuple[Any, Any, Any], error: type[Exception]) -> None:
    with pytest.raises(error, match="must be a whole number"):
        ClientDispatcher(environment=VARIABLES).script(*numbers)


def test_what_no_line_can_hold_is_refused(tmp_path: Path) -> None:
    with pytest.raises(TemplateError):
        script(tmp_path, config={"partition": "a\n#SBATCH --uid=0"})
    with pytest.raises(TemplateError):
        script(tmp_path, config={"comment": "a\nb"})
    with pytest.raises(BadUsage, match="CLIENT_SERVICE_PORT is no port: '80x'"):
        script(tmp_path, {"CLIENT_SERVICE_PORT": "80x"})


# --- the book


def test_what_is_written_down_is_there_again(tmp_path: Path) -> None:
    book = GroupBook(tmp_path / "groups")
    group = Group(7, 2, 10, job_id="12", clients=["http://a:1"])
    book.add(group)
    with pytest.raises(GroupExists):
        book.add(Group(7, 1, 1))
    with pytest.raises(StateError, match="another group service"):
        GroupBook(tmp_path / "groups")
    book.close()
    again = GroupBook(tmp_path / "groups")
    assert again.get(7) == group
    with pytest.raises(UnknownGroup, match="Unknown benchmark id 8"):
        again.get(8)
    again.remove(7)
    again.close()
    assert [path.name for path in (tmp_path / "groups").iterdir()] == ["lock"]
    assert (tmp_path / "groups").stat().st_mode & 0o777 == 0o700


def test_a_damaged_file_is_named(tmp_path: Path) -> None:
    (tmp_path / "7.json").write_text("{")
    with pytest.raises(StateError, match=r"7\.json is damaged"):
        GroupBook(tmp_path)


def test_clients_that_come_again_are_one_and_far_too_many_are_refused() -> None:
    group = Group(1, 1, 1)
    for number in range(20):
        group.register(f"http://a:{number + 1}")
    group.register("http://a:1")
    assert len(group.clients) == 20
    with pytest.raises(Refused, match="20 clients have registered for a group of 1"):
        group.register("http://b:1")


@pytest.mark.parametrize("address", ["http://node1:9000", "http://10.0.0.1:1", "http://[::1]:9000", "http://a/below/"])
def test_addresses_that_can_be_called_are_taken(address: str) -> None:
    check_address(address)
