"""Where ReFrame runs its checks."""

site_configuration = {
    "systems": [
        {
            "name": "fleet",
            "hostnames": [".*"],
            "partitions": [
                {
                    "name": "nodes",
                    "scheduler": "slurm",
                    "launcher": "srun",
                    "access": ["--partition=main"],
                    "environs": ["builtin"],
                },
                {"name": "queue", "scheduler": "squeue", "launcher": "srun", "environs": ["builtin"]},
            ],
        }
    ],
    "environments": [{"name": "builtin"}],
}
