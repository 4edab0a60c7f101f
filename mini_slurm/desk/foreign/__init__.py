"""What is handed in for a cluster: a real Slurm, PBS or LSF."""
