"""Files that a person names: read and written, or refused in a sentence."""

from pathlib import Path

from yikatong.errors import Refusal


def existing(path: Path) -> Path:
    """The path, if a file is there."""
    if path.is_dir():
        raise Refusal(f"{path} 是文件夹，不是文件。", "cannot_read")
    if not path.exists():
        raise Refusal(f"没有 {path} 这个文件。", "cannot_read")
    return path


def content_of(path: Path) -> bytes:
    """The whole file."""
    try:
        return existing(path).read_bytes()
    except OSError:
        raise Refusal(f"无法读取 {path}。", "cannot_read") from None


def require_free(path: Path, *, overwrite: bool) -> Path:
    """The path, if nothing is there or the person says that it may go: rows may have been corrected in it already."""
    if path.exists() and not overwrite:
        raise Refusal(
            f"已有 {path}，没有覆盖。请用 --out 另写一个文件名，或先把它改名；不要它了的，加 --overwrite。",
            "cannot_write",
        )
    return path


def write(path: Path, data: bytes) -> None:
    """Write the file, over one that was there."""
    try:
        path.write_bytes(data)
    except OSError:
        raise Refusal(f"无法写入 {path}。", "cannot_write") from None


def write_workbook(path: Path, data: bytes) -> None:
    """Write a workbook, under a name by which a spreadsheet knows it."""
    if path.suffix.lower() != ".xlsx":
        raise Refusal(f"{path} 是工作簿，文件名应以 .xlsx 结尾。", "cannot_write")
    write(path, data)
