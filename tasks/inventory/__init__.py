"""hosts.yml: what it says, what is wrong with it, and which host or set a name means."""
