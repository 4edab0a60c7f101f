#!/bin/bash
# Monitor AI Factory jobs

USER=${1:-$USER}

echo "=== AI Factory Jobs Status ==="
squeue -u $USER --format="%.10i %.15j %.8T %.10M %.6D %R" \
    | grep "benchmark-client"

echo -e "\n=== Recent Job History ==="
sacct -u $USER --starttime=today --format="JobID,JobName,State,ExitCode,Start,End" \
    | grep "benchmark-client"
