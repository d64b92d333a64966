"""How machines are reached: the host sets, strict SSH, groups, one root shell per host."""
