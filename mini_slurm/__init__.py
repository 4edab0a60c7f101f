"""Slurm's commands for machines that have no Slurm."""

__version__ = "0.1.0"
