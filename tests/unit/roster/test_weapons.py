"""Files made to exhaust their reader (`tests/corpus/weapons.py`) get an answer within bounded time and memory."""

import json
import subprocess
import sys

import pytest

from tests.corpus.weapons import WEAPONS

# What a validation may take more than it had, for files that unpack to 200 MB or hold millions of lines.
GROWN_MB = 600
SECONDS = 30
_REFUSED = {
    "zip bomb of zeros": "file_unsafe",
    "zip bomb of blanks in the sheet": "file_unsafe",
    "zip of 3000 parts": "file_unsafe",
    "workbook of 400 sheets": "header_missing",
    "workbook of one long string in 100000 cells": "file_unsafe",
    "workbook of 16384 columns": "sheet_too_wide",
    "text of a million columns": "file_format",
    "text of a million columns below the header": "row_ragged",
    "text with a name of a megabyte": "file_damaged",
    "text with an amount of a megabyte": "file_damaged",
    "text with a remark of a megabyte": "file_damaged",
    "text of a million quotes": "file_damaged",
    "text of 20 megabytes without a line end": "file_damaged",
    "text of 20 megabytes of blanks": "file_empty",
    "text of 300000 different slots": "slots_too_many",
    "file of 257 megabytes": "file_too_large",
}
# Blank lines are no data, however many.
_READ = ("text of a million blank lines", "text of a million lines of commas")


@pytest.mark.parametrize("name", WEAPONS)
def test_a_weapon_is_answered_within_bounds(name: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "tests.corpus.weapons", name],
        capture_output=True, text=True, timeout=SECONDS * 2, check=True,
    )  # fmt: skip
    answer = json.loads(done.stdout)
    if name in _READ:
        assert answer["accepted"]
    else:
        assert (answer["accepted"], answer["codes"]) == (False, [_REFUSED[name]])
    assert answer["grown_mb"] <= GROWN_MB
    assert answer["seconds"] <= SECONDS
