"""What `fab` loads: the collection, nothing else."""

from tasks.collection import namespace

__all__ = ["namespace"]
