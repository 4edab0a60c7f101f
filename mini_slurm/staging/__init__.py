"""Files that jobs take along, on the submit side: trees, checksums, snapshots."""
