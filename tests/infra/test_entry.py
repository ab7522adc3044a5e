"""`pulumi up`, as far as it goes without an account: the entry point with the example stack's own configuration."""

import json
import runpy
from pathlib import Path
from typing import Any

import pulumi
import pytest
import yaml  # type: ignore[import-untyped]

from infra.archives import REPOSITORY, BuiltLayers
from tests.infra.recorder import Recorder, record

SECRETS = {
    "yikatong:paymentKey": "payment",
    "yikatong:recordKey": "record",
    "yikatong:bankToken-example-bank": "token",
}


def configured(layers: Path, **changes: str | None) -> Recorder:
    config: dict[str, Any] = yaml.safe_load((REPOSITORY / "Pulumi.heilongjiang.yaml").read_text(encoding="utf-8"))[
        "config"
    ]
    config |= {f"yikatong:{name}": value for name, value in changes.items()}
    config = {name: value for name, value in config.items() if value is not None}
    plain = {name: value if isinstance(value, str) else json.dumps(value) for name, value in config.items()}
    pulumi.runtime.set_all_config(plain | SECRETS | {"yikatong:layers": str(layers)}, list(SECRETS))
    try:
        return record(lambda: runpy.run_path(str(REPOSITORY / "infra" / "__main__.py")))
    finally:
        pulumi.runtime.set_all_config({})


def test_the_example_stack_deploys_from_its_own_configuration(tmp_path: Path) -> None:
    for name in ("core", "columnar"):
        (tmp_path / f"{name}.zip").write_bytes(name.encode())
    stack = configured(tmp_path)
    assert len(stack.of("TableItem")) == 3, "one item a principal"
    assert stack.aws_of("lambda", "Function")["instruct_bank"]["environment"]["variables"]["BANK_ENDPOINTS"] == (
        '{"example-bank": "https://bank.example.invalid/yikatong"}'
    )
    staged = {name: inputs["key"] for name, inputs in stack.of("BucketObjectv2").items() if name.startswith("layer-")}
    assert {key.split("-")[0] for key in staged.values()} == {"layers/core", "layers/columnar"}
    for layer in stack.of("LayerVersion").values():
        assert layer["s3Key"].startswith("layers/"), "larger than Lambda takes directly"
        assert "code" not in layer


def test_how_the_site_is_reached_is_the_stacks_choice(tmp_path: Path) -> None:
    for name in ("core", "columnar"):
        (tmp_path / f"{name}.zip").write_bytes(name.encode())
    (distribution,) = configured(tmp_path).of("Distribution").values()
    assert distribution["aliases"] == ["butie.example.invalid"]
    website = configured(tmp_path, siteHosting="website", siteDomain=None, siteCertificate=None, challenge="local")
    assert website.of("BucketWebsiteConfiguration").keys() == {"site"}
    variables = website.aws_of("lambda", "Function")["public_api"]["environment"]["variables"]
    assert variables["CHALLENGE"] == "local"
    assert variables["SITE_ORIGIN"].startswith("http://yikatong-hlj-site-")


def test_without_built_layers_nothing_is_deployed(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"infra\.layers build"):
        BuiltLayers(tmp_path).layer("core")


def test_a_plan_outside_the_core_layer_cannot_be_deployed(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="committed"):
        BuiltLayers(tmp_path).plan_path(tmp_path / "plan.csv")
    inside = REPOSITORY / "layers" / "core" / "python" / "yikatong" / "plan" / "plans" / "next.csv"
    assert BuiltLayers(tmp_path).plan_path(inside) == "/opt/python/yikatong/plan/plans/next.csv"


def test_a_functions_package_holds_its_source_and_nothing_compiled(tmp_path: Path) -> None:
    package = BuiltLayers(tmp_path).function("start_run")
    assert isinstance(package, pulumi.AssetArchive)
    assert set(package.assets) == {"handler.py"}
