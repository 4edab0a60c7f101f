#!/bin/bash
PARAM=$(awk "NR==$SLURM_ARRAY_TASK_ID" params.txt)
python solve_control.py --param $PARAM
