"""Where function and layer code comes from: built layers for AWS, the source tree for the local cloud.

A function's package is its own folder and nothing else (`handler.handler`); the domain and its requirements come from
the layers, so that a package is a few kilobytes and a change to one verb deploys one function.
"""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

import pulumi

REPOSITORY = Path(__file__).resolve().parent.parent
CORE_LAYER = REPOSITORY / "layers" / "core"
LAYER_PYTHON_IN_LAMBDA = "/opt/python"  # where Lambda mounts a layer's python/ folder


class CodeSource(Protocol):
    """How archives are made, and what a plan file's path is at run time."""

    def function(self, verb: str) -> pulumi.Archive: ...

    def layer(self, name: str) -> pulumi.Archive: ...

    def built_layer(self, name: str) -> Path | None:
        """The layer as one zip file, where it was built; None where the layer is a folder of the checkout."""
        ...

    def plan_path(self, path: Path) -> str: ...


@dataclass(frozen=True)
class SourceTree:
    """The checkout as it is, for the local cloud and the tests; requirements come from the environment."""

    root: Path = REPOSITORY

    def function(self, verb: str) -> pulumi.Archive:
        return pulumi.FileArchive(str(self.root / "functions" / verb))

    def layer(self, name: str) -> pulumi.Archive:
        return pulumi.FileArchive(str(self.root / "layers" / name))

    def built_layer(self, name: str) -> Path | None:  # noqa: ARG002 (a folder has no zip)
        return None

    def plan_path(self, path: Path) -> str:
        return str(path.resolve())


@dataclass(frozen=True)
class BuiltLayers:
    """Layers built by `python -m infra.layers build`; a missing one stops the deployment before it begins."""

    layers: Path
    source: SourceTree = field(default_factory=SourceTree)

    def function(self, verb: str) -> pulumi.Archive:
        """Only what git holds: compiled files differ from machine to machine, and each would be a new deployment."""
        folder = self.source.root / "functions" / verb
        files = [path for path in sorted(folder.rglob("*")) if path.is_file() and "__pycache__" not in path.parts]
        if not files:
            raise FileNotFoundError(f"{folder}: a function without code")
        return pulumi.AssetArchive({path.relative_to(folder).as_posix(): pulumi.FileAsset(str(path)) for path in files})

    def layer(self, name: str) -> pulumi.Archive:
        return pulumi.FileArchive(str(self.built_layer(name)))

    def built_layer(self, name: str) -> Path:
        archive = self.layers / f"{name}.zip"
        if not archive.is_file():
            raise FileNotFoundError(f"{archive}: build the layers first: python -m infra.layers build {self.layers}")
        return archive

    def plan_path(self, path: Path) -> str:
        """A deployed function sees only what its layers carry, so a plan must live in the core layer."""
        try:
            inside = path.resolve().relative_to(self.source.root / "layers" / "core" / "python")
        except ValueError:
            raise ValueError(f"{path}: a deployed plan must be committed inside layers/core/python") from None
        return f"{LAYER_PYTHON_IN_LAMBDA}/{inside.as_posix()}"
