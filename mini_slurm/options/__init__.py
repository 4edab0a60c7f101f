"""The one table of job options and Slurm's option grammar. Pure."""
