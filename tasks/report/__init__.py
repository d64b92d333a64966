"""Every sentence the operator sees, and every line a machine reads: the only room that prints.

A run tells a `Report` what happens, and knows nothing of terminals; the report is told, and knows nothing of SSH.
"""

from ..run.observer import Report
from .asking import ask, can_ask
from .opened import Shown, opened

__all__ = ["Report", "Shown", "ask", "can_ask", "opened"]
