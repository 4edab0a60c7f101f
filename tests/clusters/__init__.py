"""Tests of clusters: a real Slurm, a stand-in of PBS that runs jobs, and recorded answers."""
