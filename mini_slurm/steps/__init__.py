"""What srun does wherever it runs: on a machine, in a job, and on the login node. Python 3.8 and light: it travels.

A step of 20 ms must not cost 100 more, so nothing here imports what Python does not have ready: no typing, json, re.
"""
