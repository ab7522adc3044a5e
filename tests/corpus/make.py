"""Write the corpus: one small file per trap that rosters hold, under `files/`. Run `python -m tests.corpus.make`.

What must be found in each is written by hand in `expected.toml`, from the rules and never from the program's answer;
`tests/unit/roster/test_corpus.py` compares. The same bytes come out on every run, so a changed file is a changed trap.
"""

import sys
from collections.abc import Mapping
from pathlib import Path

from tests.corpus import cell_files, row_files, text_files, workbook_files
from tests.corpus.roster import REGISTERED
from yikatong.roster.sample import cards_csv

HERE = Path(__file__).parent
FILES = HERE / "files"
CARDS = HERE / "cards.csv"


def corpus() -> Mapping[str, bytes]:
    """Every file of the corpus by name."""
    files: dict[str, bytes] = {}
    for module in (text_files, cell_files, row_files, workbook_files):
        for name, data in module.files().items():
            assert name not in files, f"{name} is made twice"
            files[name] = data
    return files


def main() -> int:
    FILES.mkdir(exist_ok=True)
    made = corpus()
    for old in FILES.iterdir():
        if old.name not in made:
            old.unlink()
    for name, data in made.items():
        (FILES / name).write_bytes(data)
    CARDS.write_bytes(cards_csv(REGISTERED))
    return 0


if __name__ == "__main__":
    sys.exit(main())
