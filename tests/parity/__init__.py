"""Wherever ssh gets in, we get in; wherever ssh refuses, we refuse: one table of rows, each typed both ways."""
