"""The list of findings in `docs/` is the code's own, word for word."""

import re
from pathlib import Path

from typer.testing import CliRunner

from cli.roster import app
from yikatong.roster.findings import RULES
from yikatong.roster.rules_document import findings_document

COMMITTED = Path(__file__).parents[3] / "docs" / "名册检查规则.md"


def test_the_committed_document_is_what_the_code_says() -> None:
    again = "写好规则后：yikatong roster rules --overwrite --out docs/名册检查规则.md"
    assert COMMITTED.read_text("utf-8") == findings_document(), again


def test_the_command_writes_the_document(tmp_path: Path) -> None:
    out = tmp_path / "rules.md"
    assert CliRunner().invoke(app, ["rules", "--out", str(out)]).exit_code == 0
    assert out.read_text("utf-8") == CliRunner().invoke(app, ["rules"]).stdout == findings_document()


def test_every_code_stands_once_under_its_level_the_gravest_first() -> None:
    document = findings_document()
    assert re.findall(r"^\| `([a-z_]+)` \|", document, re.MULTILINE) == list(RULES)
    for section in re.split(r"^## ", document, flags=re.MULTILINE)[1:]:
        level = re.search(r"（([a-z]+)，", section)
        assert level is not None
        codes = re.findall(r"^\| `([a-z_]+)` \|", section, re.MULTILINE)
        assert {str(RULES[code].level) for code in codes} == {level[1]}


def test_no_example_shows_a_whole_number_or_account() -> None:
    assert re.findall(r"[0-9]{12,}", findings_document()) == []
