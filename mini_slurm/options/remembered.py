"""What a submission leaves in the job's environment, for the job's steps to read."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from mini_slurm.options.collect import Values

# variable -> field, where the value is just what was given
PLAIN = {
    "SLURM_ACCTG_FREQ": "acctg_freq",
    "SLURM_CONTAINER": "container",
    "SLURM_CPUS_PER_GPU": "cpus_per_gpu",
    "SLURM_CPU_FREQ_REQ": "cpu_freq",
    "SLURM_GPUS": "gpus",
    "SLURM_GPUS_PER_NODE": "gpus_per_node",
    "SLURM_GPUS_PER_SOCKET": "gpus_per_socket",
    "SLURM_GPUS_PER_TASK": "gpus_per_task",
    "SLURM_GPU_BIND": "gpu_bind",
    "SLURM_GPU_FREQ": "gpu_freq",
    "SLURM_HINT": "hint",
    "SLURM_JOB_DEPENDENCY": "dependency",
    "SLURM_MEM_PER_GPU": "mem_per_gpu",
    "SLURM_NTASKS_PER_CORE": "ntasks_per_core",
    "SLURM_NTASKS_PER_NODE": "ntasks_per_node",
    "SLURM_NTASKS_PER_SOCKET": "ntasks_per_socket",
    "SLURM_NTASKS_PER_TRES": "ntasks_per_tres",
    "SLURM_PROFILE": "profile",
    "SLURM_THREADS_PER_CORE": "threads_per_core",
}


def remembered(values: Values) -> dict[str, str]:
    """The variables by which a job's steps learn what its submission said."""
    found = {name: str(values.of[field]) for name, field in PLAIN.items() if values.of.get(field) is not None}
    layout = values.text("distribution")
    if layout:
        found["SLURM_DISTRIBUTION"], _, size = layout.partition("=")
        found |= {"SLURM_DIST_PLANESIZE": size} if size else {}
    if "ntasks_per_tres" not in values.of and "ntasks_per_gpu" in values.of:
        found["SLURM_NTASKS_PER_GPU"] = str(values.of["ntasks_per_gpu"])
    if values.of.get("overcommit"):
        found["SLURM_OVERCOMMIT"] = "1"
    if "open_mode" in values.of:
        found["SLURM_OPEN_MODE"] = "a" if values.of["open_mode"] == "a" else "t"
    binding = values.text("mem_bind")
    if binding:
        words = binding.split(",")
        found["SLURM_MEM_BIND"] = binding
        found["SLURM_MEM_BIND_VERBOSE"] = "verbose" if "verbose" in words else "quiet"
        found |= {"SLURM_MEM_BIND_SORT": "sort"} if "sort" in words else {}
    return found
