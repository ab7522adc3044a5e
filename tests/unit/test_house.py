"""The house stays in order: arrows point down, the domain knows no AWS, no clock and no environment (DESIGN §5)."""

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
CORE = ROOT / "layers/core/python/yikatong"
OURS = {"yikatong", "functions", "infra", "auditor", "cli", "tests"}
MAY_IMPORT = {
    CORE: {"yikatong"},
    ROOT / "functions": {"yikatong"},
    ROOT / "infra": {"yikatong", "infra"},
    ROOT / "auditor": {"auditor"},
    ROOT / "cli": {"yikatong", "infra", "auditor", "cli"},
}
AWS = {"boto3", "botocore", "aws_lambda_powertools"}
FOLDERS = sorted(str(folder.relative_to(ROOT)) for folder in MAY_IMPORT)


def _imports(file: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{file}: a relative import hides where it points"
            yield str(node.module)


def _sources(folder: Path) -> list[Path]:
    found = [file for file in folder.rglob("*.py") if "__pycache__" not in file.parts]
    assert found, f"{folder} holds no source: the test looks in the wrong place"
    return found


@pytest.mark.parametrize("folder", FOLDERS)
def test_arrows_point_down(folder: str) -> None:
    allowed = MAY_IMPORT[ROOT / folder]
    wrong = {
        f"{file.relative_to(ROOT)} imports {name}"
        for file in _sources(ROOT / folder)
        for name in _imports(file)
        if name.split(".")[0] in OURS - allowed
    }
    assert not wrong


@pytest.mark.parametrize(
    ("inner", "outer"),
    [
        # The plan is read by rosters, never the other way round; whoever acts stands outside whoever knows.
        ("plan", ("roster", "bank", "use_cases")),
        ("roster", ("bank", "use_cases")),
        ("bank", ("roster", "use_cases")),
        (".", ("use_cases",)),
    ],
)
def test_inside_the_core_arrows_point_down_as_well(inner: str, outer: tuple[str, ...]) -> None:
    folder = CORE / inner
    files = _sources(folder) if inner != "." else list(folder.glob("*.py"))
    assert files
    wrong = {
        f"{file.relative_to(CORE)} imports {name}"
        for file in files
        for name in _imports(file)
        if name.startswith(tuple(f"yikatong.{package}" for package in outer))
    }
    assert not wrong


def test_the_bank_simulator_shares_no_code_with_the_platform() -> None:
    wrong = {
        f"{file.name} imports {name}"
        for file in _sources(ROOT / "infra/local/bank")
        for name in _imports(file)
        if name.split(".")[0] in OURS and not name.startswith("infra.local.bank")
    }
    assert not wrong


def test_the_auditor_imports_the_standard_library_polars_and_itself_only() -> None:
    allowed = {*sys.stdlib_module_names, "polars", "auditor"}
    wrong = {
        f"{file.name} imports {name}"
        for file in _sources(ROOT / "auditor")
        for name in _imports(file)
        if name.split(".")[0] not in allowed
    }
    assert not wrong


def test_the_domain_imports_no_aws_library() -> None:
    wrong = {
        f"{file.relative_to(CORE)} imports {name}"
        for file in _sources(CORE)
        if CORE / "aws" not in file.parents
        for name in _imports(file)
        if name.split(".")[0] in AWS or name.startswith("yikatong.aws")
    }
    assert not wrong


def test_the_domain_reads_no_clock_and_no_environment() -> None:
    forbidden = {("datetime", "now"), ("datetime", "utcnow"), ("date", "today"), ("time", "time"), ("os", "environ")}
    wrong = set()
    for file in _sources(CORE):
        if CORE / "aws" in file.parents:
            continue
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            named = isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name)
            if named and (node.value.id, node.attr) in forbidden:
                wrong.add(f"{file.relative_to(CORE)}:{node.lineno} {node.value.id}.{node.attr}")
    assert not wrong


@pytest.mark.parametrize(
    "function", ["bureau_api", "public_api", "start_run", "open_run", "reserve_funds", "close_run"]
)
def test_a_light_function_imports_no_polars(function: str) -> None:
    code = f"import sys; sys.path.insert(0, 'functions/{function}'); import handler; sys.exit('polars' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=False).returncode == 0


def test_a_handler_fits_on_one_screen() -> None:
    handlers = list((ROOT / "functions").glob("*/handler.py"))
    long = {
        file.parent.name: lines
        for file in handlers
        if (lines := len(file.read_text(encoding="utf-8").splitlines())) > 64
    }
    assert len(handlers) > 10
    assert not long


def test_every_use_case_has_its_function_of_the_same_verb_or_belongs_to_an_api() -> None:
    verbs = {file.parent.name for file in (ROOT / "functions").glob("*/handler.py")} - {"bureau_api", "public_api"}
    use_cases = {file.stem for file in (CORE / "use_cases").glob("*.py")} - {"__init__"}
    assert verbs <= use_cases, "a function without its use case"
    routes = [*(CORE / "aws/public_api").glob("*.py"), *(CORE / "aws/bureau_api").glob("*.py")]
    api = "".join(file.read_text(encoding="utf-8") for file in routes)
    lonely = {verb for verb in use_cases - verbs if f"use_cases.{verb} " not in api and f"import {verb}" not in api}
    # A correction is a step of validate_roster, a story one of trace_payment.
    assert not lonely - {"correct_roster", "tell_story"}


def test_the_architecture_page_names_every_module_of_the_core_and_no_other() -> None:
    page = (ROOT / "docs/architecture.md").read_text(encoding="utf-8")
    folders = page[page.index("## Folders") : page.index("## Buckets and keys")]
    named = {name for line in folders.splitlines() for name in re.findall(r"`(\w+\.py)`", line)}
    modules = {file.name for folder in (CORE, CORE / "roster") for file in folder.glob("*.py")} - {"__init__.py"}
    steps = {"correct_roster.py", "validate_roster.py", "tell_story.py", "trace_payment.py"}
    assert named - steps == modules
