"""What sacctmgr lists, and by which conditions."""
