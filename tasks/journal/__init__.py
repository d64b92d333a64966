"""What was done, by whom and why: the one description of a run, and what can be read out of it."""
