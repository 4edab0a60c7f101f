# Test node connectivity
srun --nodes=2 --ntasks=2 hostname

# Test port availability
srun --nodes=2 --ntasks=2 netstat -tlnp | grep 9000

# Test TCP connection between nodes
srun --nodes=2 --ntasks=2 bash -c '
  if [ $SLURM_PROCID -eq 0 ]; then
    python -m http.server 9000 &
    sleep 2
  else
    curl http://$(scontrol show hostnames $SLURM_JOB_NODELIST | head -1):9000
  fi
'

# Solution 1: Check firewall
srun iptables -L | grep 9000

# Solution 3: Check node hostnames resolve
srun --nodes=2 --ntasks=2 bash -c 'ping -c 1 $(hostname)'

# Solution: Use job ID in port number
export ASOC_PORT=$((9000 + $SLURM_JOB_ID % 1000))

# Check job details
squeue -u $USER
scontrol show job $SLURM_JOB_ID

# Local scratch (faster but requires copying)
LOCAL_SCRATCH="/tmp/$SLURM_JOB_ID"
srun --nodes=$SLURM_JOB_NUM_NODES mkdir -p $LOCAL_SCRATCH
srun --nodes=$SLURM_JOB_NUM_NODES cp -r ~/asoc-protocol $LOCAL_SCRATCH/
cd $LOCAL_SCRATCH/asoc-protocol
pwd
