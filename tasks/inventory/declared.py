"""What the classes of hosts.yml are declared with: pydantic, or where nothing needs a check, what stands in for it.

A file that was read strictly once is remembered (remembered.py), and pydantic takes longer to import than all the rest.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from . import stand_in

if TYPE_CHECKING or not stand_in.wanted:
    from pydantic import (
        AfterValidator,
        BaseModel,
        BeforeValidator,
        ConfigDict,
        Discriminator,
        Field,
        PlainValidator,
        Tag,
        ValidationError,
        ValidationInfo,
        field_validator,
        model_validator,
    )
else:
    from .stand_in import (
        AfterValidator,
        BaseModel,
        BeforeValidator,
        ConfigDict,
        Discriminator,
        Field,
        PlainValidator,
        Tag,
        ValidationError,
        ValidationInfo,
        field_validator,
        model_validator,
    )

__all__ = [
    "AfterValidator",
    "BaseModel",
    "BeforeValidator",
    "ConfigDict",
    "Discriminator",
    "Field",
    "PlainValidator",
    "Tag",
    "ValidationError",
    "ValidationInfo",
    "field_validator",
    "model_validator",
]
