"""msreport: what was used in a period."""
