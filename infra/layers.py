"""Build the Lambda layers from wheels: `python -m infra.layers build DIR` writes `core.zip` and `columnar.zip`.

Requirements come from `uv.lock`, wheels from the runtime's Python and platform and never from this machine's, so a
layer built on any machine is the one that was tested. Archives are byte-for-byte repeatable, or every deployment
would replace every function. Both layers together with a function must unpack to less than 250 MB (Lambda's limit,
FACTS).
"""

import argparse
import hashlib
import shutil
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from infra.archives import REPOSITORY
from infra.function import RUNTIME

PYTHON = RUNTIME.removeprefix("python")
PLATFORM = "x86_64-manylinux_2_28"  # the runtime is Amazon Linux 2023, glibc 2.34
UNZIPPED_LIMIT_BYTES = 250 * 1024 * 1024
EPOCH = (1980, 1, 1, 0, 0, 0)  # the earliest time a zip can say
SCRIPTS = ("python", "bin")  # console scripts, with the interpreter of the machine that built them
NOT_SHIPPED = ("__pycache__",)


@dataclass(frozen=True)
class Built:
    """One finished layer."""

    name: str
    archive: Path
    unzipped_bytes: int

    @property
    def zipped_bytes(self) -> int:
        return self.archive.stat().st_size


def build(into: Path) -> list[Built]:
    """Both layers. Raises RuntimeError when they are too large together, CalledProcessError when a wheel is missing."""
    into.mkdir(parents=True, exist_ok=True)
    core = requirements()
    wanted = {"core": core, "columnar": [line for line in requirements("columnar") if line not in core]}
    built = []
    for name, lines in wanted.items():
        with tempfile.TemporaryDirectory(prefix=f"layer-{name}-") as scratch:
            python = Path(scratch) / "python"
            install(lines, python)
            if name == "core":
                source = REPOSITORY / "layers" / "core" / "python"
                shutil.copytree(source, python, dirs_exist_ok=True, ignore=shutil.ignore_patterns(*NOT_SHIPPED))
            built.append(Built(name, into / f"{name}.zip", pack(Path(scratch), into / f"{name}.zip")))
    check_size(built)
    return built


def requirements(*extras: str) -> list[str]:
    """What the lock says, pinned, one requirement a line."""
    chosen = [argument for extra in extras for argument in ("--extra", extra)]
    plain = ("--no-dev", "--no-emit-project", "--no-hashes", "--no-annotate", "--no-header")
    exported = _uv("export", "--frozen", "--quiet", *plain, *chosen)
    return [line for line in exported.splitlines() if line.strip()]


def install(lines: Sequence[str], target: Path) -> None:
    """Unpack the wheels of exactly these requirements; a source distribution is refused, it would be built for here."""
    listing = target.parent / "requirements.txt"
    listing.write_text("\n".join(lines) + "\n", encoding="utf-8")
    _uv(
        *("pip", "install", "--quiet", "--no-deps", "--only-binary", ":all:", "--target", str(target)),
        *("--python-platform", PLATFORM, "--python-version", PYTHON, "--requirements", str(listing)),
    )
    listing.unlink()


def pack(root: Path, archive: Path) -> int:
    """Zip a folder in name order under one date; returns the unzipped size in bytes."""
    total = 0
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as packed:
        for path in sorted(root.rglob("*")):
            inside = path.relative_to(root)
            if not path.is_file() or any(part in NOT_SHIPPED for part in inside.parts) or inside.parts[:2] == SCRIPTS:
                continue
            entry = zipfile.ZipInfo(inside.as_posix(), EPOCH)
            entry.compress_type, entry.external_attr = zipfile.ZIP_DEFLATED, 0o644 << 16
            content = path.read_bytes()
            total += len(content)
            packed.writestr(entry, content)
    return total


def check_size(built: Sequence[Built]) -> None:
    together = sum(layer.unzipped_bytes for layer in built)
    if together > UNZIPPED_LIMIT_BYTES:
        parts = ", ".join(f"{layer.name} {layer.unzipped_bytes:,}" for layer in built)
        raise RuntimeError(f"layers unpack to {together:,} bytes, Lambda allows {UNZIPPED_LIMIT_BYTES:,}: {parts}")


def _uv(*arguments: str) -> str:
    uv = shutil.which("uv")
    if uv is None:
        raise RuntimeError("uv is needed to build layers: https://docs.astral.sh/uv/")
    return subprocess.run([uv, *arguments], cwd=REPOSITORY, check=True, capture_output=True, text=True).stdout


def main(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m infra.layers", description=__doc__.splitlines()[0])
    parser.add_argument("command", choices=["build"])
    parser.add_argument("directory", type=Path)
    options = parser.parse_args(arguments)
    for layer in build(options.directory):
        digest = hashlib.sha256(layer.archive.read_bytes()).hexdigest()[:16]
        zipped, unzipped = layer.zipped_bytes / 1e6, layer.unzipped_bytes / 1e6
        sys.stdout.write(f"{layer.name:10} {zipped:6.1f} MB zipped {unzipped:6.1f} MB unzipped  sha256 {digest}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
