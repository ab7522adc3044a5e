"""Layers: repeatable bytes, and small enough for Lambda."""

import zipfile
from pathlib import Path

import pytest

from infra.layers import UNZIPPED_LIMIT_BYTES, Built, check_size, pack


def folder(root: Path) -> Path:
    package = root / "python" / "package"
    (package / "__pycache__").mkdir(parents=True)
    (package / "module.py").write_text("x = 1\n")
    (package / "__pycache__" / "module.pyc").write_bytes(b"compiled for this machine")
    (package / "bin").mkdir()
    (package / "bin" / "data").write_text("a package's own folder of that name")
    (root / "python" / "bin").mkdir()
    (root / "python" / "bin" / "script").write_text("#!/this/machine/python\n")
    return root


def test_the_same_content_makes_the_same_bytes(tmp_path: Path) -> None:
    first, second = folder(tmp_path / "a"), folder(tmp_path / "b")
    pack(first, tmp_path / "a.zip")
    pack(second, tmp_path / "b.zip")
    assert (tmp_path / "a.zip").read_bytes() == (tmp_path / "b.zip").read_bytes()


def test_what_belongs_to_the_building_machine_stays_there(tmp_path: Path) -> None:
    unzipped_bytes = pack(folder(tmp_path / "a"), tmp_path / "a.zip")
    with zipfile.ZipFile(tmp_path / "a.zip") as archive:
        assert archive.namelist() == ["python/package/bin/data", "python/package/module.py"]
        assert unzipped_bytes == sum(entry.file_size for entry in archive.infolist())


def test_layers_too_large_together_are_refused(tmp_path: Path) -> None:
    half = UNZIPPED_LIMIT_BYTES // 2
    check_size([Built("core", tmp_path, half), Built("columnar", tmp_path, half)])
    with pytest.raises(RuntimeError, match="columnar"):
        check_size([Built("core", tmp_path, half), Built("columnar", tmp_path, half + 1)])
