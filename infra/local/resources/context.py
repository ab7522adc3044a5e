"""What the mappings of resource types share: the clients, the packages of functions, and names for things."""

import io
import shutil
import zipfile
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pulumi
from pulumi.runtime.rpc import unwrap_rpc_secret

from infra.local.clients import Clients

Inputs = dict[str, Any]
Created = tuple[str, Inputs]
"""A resource's id and its outputs, as Pulumi wants them: camelCase names."""


@dataclass
class Context:
    """Where resources are created, and where the code of functions and layers was found."""

    clients: Clients
    work_folder: Path
    program_folder: Path
    function_folders: dict[str, Path] = field(default_factory=dict)
    layer_folders: dict[str, Path] = field(default_factory=dict)
    dead_letters: dict[str, str] = field(default_factory=dict)
    """By function the queue for asynchronous events that failed, its ARN."""

    def folder_of(self, archive: pulumi.Archive | pulumi.Asset | str, name: str) -> Path:
        """Return a folder holding an archive's content: the source folder itself when it is one, so edits show at
        once."""
        if isinstance(archive, str):
            archive = pulumi.FileArchive(archive)
        if isinstance(archive, pulumi.FileArchive):
            path = self._absolute(archive.path)
            if path.is_dir() or not path.exists():
                return path
            target = self.work_folder / "packages" / name
            with zipfile.ZipFile(path) as package:
                package.extractall(target)
            return target
        if isinstance(archive, pulumi.AssetArchive):
            target = self.work_folder / "packages" / name
            for relative, member in archive.assets.items():
                self._place(member, target / relative, f"{name}-{relative.replace('/', '-')}")
            return target
        raise ValueError(f"{name}: a package of type {type(archive).__name__} cannot be run here")

    def content_of(self, source: Any) -> bytes:
        """Return the bytes of a file asset, or of a string."""
        if isinstance(source, pulumi.FileAsset):
            return self._absolute(source.path).read_bytes()
        if isinstance(source, pulumi.StringAsset):
            return source.text.encode()
        return str(source).encode()

    def _place(self, member: Any, target: Path, name: str) -> None:
        target.parent.mkdir(parents=True, exist_ok=True)
        if isinstance(member, pulumi.FileArchive | pulumi.AssetArchive):
            shutil.copytree(self.folder_of(member, name), target, dirs_exist_ok=True)
        else:
            target.write_bytes(self.content_of(member))

    def _absolute(self, path: Any) -> Path:
        found = Path(path)
        return found if found.is_absolute() else self.program_folder / found


Creator = Callable[[Context, str, Inputs], Created]
REGISTRY: dict[tuple[str, str], Creator] = {}


def creates(module: str, *types: str) -> Callable[[Creator], Creator]:
    """Register the function that creates resources of these types of `pulumi_aws.<module>`."""

    def register(creator: Creator) -> Creator:
        for resource_type in types:
            REGISTRY[module, resource_type] = creator
        return creator

    return register


def pascal(value: Any, opaque: tuple[str, ...] = ()) -> Any:
    """Turn Pulumi's camelCase keys into the API's PascalCase, at every depth; values under an `opaque` key stay as
    they are."""
    if isinstance(value, dict):
        return {
            key[:1].upper() + key[1:]: (item if key in opaque else pascal(item, opaque))
            for key, item in value.items()
            if item is not None
        }
    if isinstance(value, list):
        return [pascal(item, opaque) for item in value]
    return value


def given(inputs: Inputs, **names: str) -> dict[str, Any]:
    """Pick the inputs that were given, under the API's names: `given(inputs, Description="description")`."""
    return {target: inputs[source] for target, source in names.items() if inputs.get(source) is not None}


def tags_of(inputs: Inputs) -> list[dict[str, str]]:
    """Return the tags as the list of pairs most APIs want."""
    return [{"Key": key, "Value": value} for key, value in (inputs.get("tags") or {}).items()]


def plain_values(value: Any) -> Any:
    """Undo the wire format: secrets come wrapped, and whole numbers as floats, which botocore refuses for an
    integer."""
    value = unwrap_rpc_secret(value)
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, dict):
        return {key: plain_values(item) for key, item in value.items()}
    if isinstance(value, list):
        return [plain_values(item) for item in value]
    return value


def placeholder_package() -> bytes:
    """Return a package moto accepts: it never runs it, the workers run the source folder."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as package:
        package.writestr("handler.py", "")
    return buffer.getvalue()
