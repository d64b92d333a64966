"""The modules of `inventory` a second time: `tasks.strict.model` is `inventory/model.py`, with pydantic's checks.

hosts.yml is read with these (inventory/remembered.py) and with nothing else; what was read goes on as values of the
classes in `inventory`, which import no pydantic.
"""

from pathlib import Path

__path__ = [str(Path(__file__).parents[1] / "inventory")]
