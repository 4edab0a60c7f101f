#!/bin/bash
# Cleanup terminated AI Factory jobs

echo "Cancelling all benchmark-client jobs..."
scancel -u $USER --name="benchmark-client"

echo "Cleaning up log files older than 7 days..."
find /home/$USER/logs -name "client_dispatcher_*.out" -mtime +7 -delete
find /home/$USER/logs -name "client_dispatcher_*.err" -mtime +7 -delete
