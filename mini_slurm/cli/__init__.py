"""One module a command, each with main()."""

from mini_slurm import search_path as search_path
