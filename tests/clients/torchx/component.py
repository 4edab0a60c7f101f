"""An application of two roles for TorchX."""

from torchx import specs


def greet(fails: bool = False) -> specs.AppDef:
    words = "echo greeting $SLURM_JOB_ID" + ("; exit 3" if fails else "")
    role = specs.Role(name="greeter", image="", entrypoint="sh", args=["-c", words], num_replicas=2,
                      resource=specs.Resource(cpu=1, gpu=0, memMB=100))  # fmt: skip
    return specs.AppDef(name="greet", roles=[role])
