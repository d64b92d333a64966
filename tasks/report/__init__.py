"""Every sentence the operator sees, and every line a machine reads: the only room that prints.

A run tells a `Report` what happens, and knows nothing of terminals; the report is told, and knows nothing of SSH.
"""

from .opened import Shown, opened

__all__ = ["Shown", "opened"]
