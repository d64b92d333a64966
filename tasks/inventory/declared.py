"""What the classes of hosts.yml are declared with: nothing is checked in `inventory`, all of it in `tasks.strict`.

pydantic takes longer to import than all the rest, and only who reads a hosts.yml that has changed needs it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING or __package__ == "tasks.strict":
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
    from .unchecked import (
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
