"""A real Slurm of two nodes on this machine, with configuration, keys and ports of its own."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
from pathlib import Path

from tests.fleet import processes
from tests.waiting import wait_until

PATH = "/usr/sbin:/usr/bin:/sbin:/bin:/usr/local/sbin:/usr/local/bin"
PROGRAMS = {"slurmctld": "slurmctld", "slurmd": "slurmd", "sbatch": "slurm-client", "munged": "munge"}
LIMIT = 30  # seconds for one command
CONFIGURATION = """\
ClusterName=real
SlurmctldHost={host}(127.0.0.1)
SlurmctldPort={ports[0]}
AuthType=auth/munge
AuthInfo=socket={folder}/munge.sock
CredType=cred/munge
SlurmUser=root
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool-%n
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd-%n.pid
SlurmctldLogFile={folder}/slurmctld.log
SlurmdLogFile={folder}/slurmd-%n.log
SlurmdParameters=config_overrides
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU_Memory
SchedulerParameters=sched_interval=1,bf_interval=1
AccountingStorageType=accounting_storage/none
JobAcctGatherType=jobacct_gather/none
MpiDefault=none
ReturnToService=2
KillWait=2
CommunicationParameters=NoCtldInAddrAny,NoInAddrAny
MinJobAge=300
NodeName=sl1 NodeHostname={host} NodeAddr=127.0.0.1 Port={ports[1]} CPUs=4 RealMemory=2000
NodeName=sl2 NodeHostname={host} NodeAddr=127.0.0.1 Port={ports[2]} CPUs=4 RealMemory=2000
PartitionName=batch Nodes=sl[1-2] Default=YES State=UP
PartitionName=short Nodes=sl1 MaxTime=10 State=UP
"""


def missing() -> str:
    """Why none can be started here; empty when all is there."""
    if os.geteuid() != 0:
        return "a Slurm can be started by root only"
    for program, package in PROGRAMS.items():
        if not shutil.which(program, path=PATH):
            return f"{program} is not installed (Debian: apt install {package})"
    return ""


class Slurm:
    """slurmctld, a slurmd for each of two nodes, and their munged."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.configuration = folder / "slurm.conf"
        self._pids: list[int] = []
        (folder / "state").mkdir()
        for path in (folder, *folder.parents):
            if path != Path("/") and path.stat().st_uid == os.geteuid():
                path.chmod(path.stat().st_mode | 0o055)  # ordinary users read the configuration, and reach munged
        host = socket.gethostname().split(".")[0]
        self.configuration.write_text(CONFIGURATION.format(folder=folder, host=host, ports=_free_ports(3)))

    def start(self) -> None:
        """Start everything, and wait until the nodes can be used."""
        self._start_munged()
        self.start_controller("-c")
        for node in ("sl1", "sl2"):
            self._spawn("slurmd", "-D", "-N", node, "-f", str(self.configuration))
        wait_until(lambda: self.run("sinfo", "-h", "-o", "%T") == "idle\n", "nodes are idle", logs=self._logs())

    def start_controller(self, *options: str) -> None:
        """Start slurmctld; `-c` forgets everything."""
        self._controller = self._spawn("slurmctld", "-D", "-f", str(self.configuration), *options)
        wait_until(lambda: "UP" in self.run("scontrol", "ping"), "slurmctld answers", logs=self._logs())

    def stop_controller(self) -> None:
        """End slurmctld; jobs go on."""
        os.kill(self._controller, signal.SIGTERM)
        os.waitpid(self._controller, 0)
        self._pids.remove(self._controller)

    def run(self, *words: str) -> str:
        """What one of Slurm's own commands prints."""
        return subprocess.run(words, env=self.environment, capture_output=True, text=True, timeout=LIMIT).stdout

    @property
    def environment(self) -> dict[str, str]:
        """What Slurm's own commands need."""
        return {"PATH": PATH, "SLURM_CONF": str(self.configuration)}

    def close(self) -> None:
        """End everything, jobs included."""
        for state in ("PENDING", "RUNNING"):
            self.run("scancel", f"--state={state}")
        wait_until(lambda: not self.run("squeue", "-h"), "the jobs have ended", logs=self._logs())
        for pid in reversed(self._pids):
            left = processes.descendants([pid])
            os.kill(pid, signal.SIGTERM)
            os.waitpid(pid, 0)
            processes.kill(left)

    def _start_munged(self) -> None:
        key = self._folder / "munge.key"
        key.write_bytes(os.urandom(1024))
        key.chmod(0o400)
        names = {"socket": "sock", "pid-file": "pid", "log-file": "log", "seed-file": "seed", "key-file": "key"}
        files = [f"--{option}={self._folder}/munge.{name}" for option, name in names.items()]
        self._spawn("munged", "--foreground", "--force", *files)
        wait_until((self._folder / "munge.sock").exists, "munged listens", logs=self._logs())

    def _spawn(self, *words: str) -> int:
        program = shutil.which(words[0], path=PATH)
        assert program is not None
        with open(self._folder / f"{words[0]}.out", "ab") as output:
            child = subprocess.Popen(
                [program, *words[1:]], stdin=subprocess.DEVNULL, stdout=output, stderr=output, env=self.environment
            )
        child.returncode = 0  # it is waited for by its number
        self._pids.append(child.pid)
        return child.pid

    def _logs(self) -> list[Path]:
        return sorted(self._folder.glob("*.log"))


def _free_ports(count: int) -> list[int]:
    """Ports that are free now."""
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [one.getsockname()[1] for one in sockets]
    for one in sockets:
        one.close()
    return ports
