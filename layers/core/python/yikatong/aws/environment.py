"""The environment variables of the functions, read when they are first needed: a function has only those it was given."""

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Environment:
    variables: Mapping[str, str] = field(default_factory=lambda: dict(os.environ))

    def __getitem__(self, name: str) -> str:
        try:
            return self.variables[name]
        except KeyError:
            raise RuntimeError(f"this function was deployed without the environment variable {name}") from None

    def get(self, name: str) -> str | None:
        return self.variables.get(name)

    def mapping(self, name: str) -> dict[str, str]:
        """A variable that holds a JSON object of strings."""
        loaded: dict[str, str] = json.loads(self[name])
        return loaded
