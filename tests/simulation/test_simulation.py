"""Some histories of the simulation, and that a seed is a history. All of them: `make faults`."""

import re
import subprocess
import sys
from functools import cache

import pytest

from tests.simulation.mutants import MUTANTS, Mutant, changed, killed_after

HISTORIES = 50


@cache
def played(*arguments: str) -> tuple[int, str]:
    """In a process of its own: the simulation puts its services in the place of the real ones."""
    done = subprocess.run(
        [sys.executable, "-m", "tests.simulation", *arguments], capture_output=True, text=True, check=False
    )
    return done.returncode, done.stdout + done.stderr


def digest(output: str) -> str:
    return re.findall("^digest ([0-9a-f]{64})$", output, re.MULTILINE)[0]


def test_whatever_goes_wrong_nobody_is_paid_twice_and_nobody_is_forgotten() -> None:
    code, output = played("--histories", str(HISTORIES), "--seed", "1")
    assert code == 0, output
    assert int(re.findall(r"^payments +([0-9,]+)$", output, re.MULTILINE)[0].replace(",", "")) > HISTORIES


def test_a_seed_is_a_history_whenever_and_wherever_it_is_played() -> None:
    first = played("--seed", "12", "--histories", "1")
    again = subprocess.run(
        [sys.executable, "-m", "tests.simulation", "--seed", "12"], capture_output=True, text=True, check=True,
        env={"PYTHONHASHSEED": "7", "PATH": ""},
    )  # fmt: skip
    assert first[1] == again.stdout
    assert digest(first[1])


def test_on_moto_the_same_history_goes_the_same_way() -> None:
    """Every call with its answer, and in the end every item and every object."""
    code, output = played("--moto", "--seed", "2", "--histories", "1")
    assert code == 0, output
    assert output.count("the same on moto") == 1


@pytest.mark.parametrize(
    "name",
    [
        "standing claims are not looked at",
        "a rejection gives nothing back",
        "INSTRUCTED is stored after sending",
    ],
)
def test_a_defect_planted_on_purpose_is_seen(name: str) -> None:
    (mutant,) = (one for one in MUTANTS if one.name.startswith(name))
    took, saw = killed_after(mutant, 1, 150)
    assert took is not None
    assert saw


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.name)
def test_every_planted_defect_still_fits_the_text(mutant: Mutant) -> None:
    compile(changed(mutant), mutant.file, "exec")
