"""The SLURM_* variables of a step's tasks. Pure."""

from __future__ import annotations

from mini_slurm.steps.layout import Part

NO_PORT = "0"  # where Slurm says on which port srun listens


def counts(numbers: list[int]) -> str:
    """Numbers for each machine as Slurm writes them: `2(x3),1`."""
    parts: list[list[int]] = []
    for number in numbers:
        if parts and parts[-1][0] == number:
            parts[-1][1] += 1
        else:
            parts.append([number, 1])
    return ",".join(f"{number}(x{times})" if times > 1 else str(number) for number, times in parts)


def of_step(number: str, nodelist: str, parts: list[Part], distribution: str) -> dict[str, str]:
    """What is the same for all tasks."""
    tasks = sum(len(part.tasks) for part in parts)
    per_node = counts([len(part.tasks) for part in parts])
    return {
        "SLURM_DISTRIBUTION": distribution,
        "SLURM_NNODES": str(len(parts)),
        "SLURM_NPROCS": str(tasks),
        "SLURM_NTASKS": str(tasks),
        "SLURM_SRUN_COMM_PORT": NO_PORT,
        "SLURM_STEPID": number,
        "SLURM_STEP_ID": number,
        "SLURM_STEP_LAUNCHER_PORT": NO_PORT,
        "SLURM_STEP_NODELIST": nodelist,
        "SLURM_STEP_NUM_NODES": str(len(parts)),
        "SLURM_STEP_NUM_TASKS": str(tasks),
        "SLURM_STEP_TASKS_PER_NODE": per_node,
        "SLURM_TASKS_PER_NODE": per_node,
    }


def of_node(index: int, part: Part, first: int = 0) -> dict[str, str]:
    """What is the same for the tasks of one machine. `first`: the step's number of the part's task 0."""
    return {
        "SLURMD_NODENAME": part.node,
        "SLURM_CPUS_ON_NODE": str(len(part.cpus)),
        "SLURM_GTIDS": ",".join(str(first + task) for task in part.tasks),
        "SLURM_NODEID": str(index),
        "SLURM_TOPOLOGY_ADDR": part.node,
        "SLURM_TOPOLOGY_ADDR_PATTERN": "node",
    }


def of_task(part: Part, local: int, first: int = 0) -> dict[str, str]:
    """What each task has of its own; its process number comes with the process."""
    return {"SLURM_LOCALID": str(local), "SLURM_PROCID": str(first + part.tasks[local])}
