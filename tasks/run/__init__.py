"""How a plan is made and carried out, and how a run that stopped is taken up again."""
