"""How a Standard Operating Procedure is carried out: as data, by one runner."""
