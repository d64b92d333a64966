"""Others are told when a run begins and how it ended: who, is in hosts.yml (`notify`). It never holds a run up."""
