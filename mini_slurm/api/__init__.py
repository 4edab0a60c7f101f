"""The Python client, on the same store and controller as the commands; its names are given by `mini_slurm` itself."""
