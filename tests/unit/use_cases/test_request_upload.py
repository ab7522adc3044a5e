"""An upload asked for by a person is noted under their name before anything can be put."""

import pytest

from tests.fakes import MemoryControl
from yikatong.errors import Refusal
from yikatong.plan import PlanBook
from yikatong.principals import Principal, Role, principal_key
from yikatong.uploads import Upload, upload_key
from yikatong.use_cases.request_upload import UploadGrant, UploadRequest, request_upload

BOOK = PlanBook.committed()
UPLOAD_ID = "0f" * 16


def clerk(region: str = "230100") -> Principal:
    pk, sk = principal_key("harbin-clerk")
    return Principal(pk=pk, sk=sk, name="harbin-clerk", role=Role.CLERK, region=region)


def ask(control: MemoryControl, **changes: object) -> UploadGrant:
    fields = {"plan_year": 2023, "number": 2, "region": "230102", "file_name": "6月名册.csv"} | changes
    return request_upload(control, BOOK, clerk(), UploadRequest.model_validate(fields), UPLOAD_ID)


def test_the_grant_names_the_key_and_the_metadata_that_must_come_with_the_file() -> None:
    grant = ask(MemoryControl(), mode="formal")
    assert grant.object_key == "2023/230102/2/6月名册.csv"
    assert grant.metadata == {"mode": "formal", "upload": UPLOAD_ID}


def test_who_asked_is_stored_under_the_uploads_id() -> None:
    control = MemoryControl()
    ask(control, number=17, mode="trial")
    upload = control.read(Upload, *upload_key(UPLOAD_ID))
    assert upload is not None
    assert (upload.principal, upload.object_key, upload.mode) == ("harbin-clerk", "2023/230102/17/6月名册.csv", "trial")


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"plan_year": 2022}, "no_plan"),
        ({"number": 46}, "no_subsidy"),
        ({"region": "230202"}, "forbidden"),
        ({"region": "230199"}, "unknown_region"),
        ({"mode": "trial"}, "no_trial"),
    ],
)
def test_what_the_plan_or_the_scope_does_not_allow_is_refused(changes: dict[str, object], code: str) -> None:
    control = MemoryControl()
    with pytest.raises(Refusal) as refused:
        ask(control, **changes)
    assert refused.value.code == code
    assert not control.items


@pytest.mark.parametrize(
    "name",
    [
        "a.xlsm",
        "../a.csv",
        "a/b.csv",
        ".csv",
        "a b.csv",
        "=a.csv",
        "a.csv\n",
        "a..csv",
        "名册.csv.exe",
        "a" * 97 + ".csv",
        "名册",
    ],
)
def test_an_unsafe_file_name_is_refused(name: str) -> None:
    with pytest.raises(Refusal, match="文件") as refused:
        ask(MemoryControl(), file_name=name)
    assert refused.value.code == "bad_file_name"


@pytest.mark.parametrize("name", ["README.md", "照片.png", "名册"])
def test_of_what_is_no_roster_at_all_the_kind_of_file_is_named_and_not_its_letters(name: str) -> None:
    with pytest.raises(Refusal, match="只能报送 CSV、TSV、TXT、XLSX 或 XLS"):
        ask(MemoryControl(), file_name=name)


@pytest.mark.parametrize("name", ["a.csv", "6月名册（更正）.XLSX", "2023-06_v2.1.csv", "a.xls", "a.tsv", "a.TXT"])
def test_names_people_give_their_files_are_taken(name: str) -> None:
    assert ask(MemoryControl(), file_name=name).object_key.endswith(name)


def test_a_region_outside_the_province_is_no_region() -> None:
    with pytest.raises(ValueError, match="region"):
        UploadRequest(plan_year=2023, number=2, region="110101", file_name="a.csv")
