"""What `fab` loads: the collection, nothing else."""

from tasks.run.interrupt import arm

arm()  # before the rest is loaded, which takes longest

from tasks.collection import namespace  # noqa: E402

__all__ = ["namespace"]
