"""The two doors: the public's is open, the bureaus' is signed, both have a limit."""

from tests.infra.recorder import Recorder


def test_the_public_is_let_in_and_bureaus_sign(stack: Recorder) -> None:
    authorizations = {name: method["authorization"] for name, method in stack.of("Method").items()}
    assert authorizations == {
        "public-api-root": "NONE",
        "public-api-proxy": "NONE",
        "bureau-api-root": "AWS_IAM",
        "bureau-api-proxy": "AWS_IAM",
    }


def test_every_path_goes_to_the_one_function(stack: Recorder) -> None:
    for name, integration in stack.of("Integration").items():
        verb = name.rsplit("-", 1)[0].replace("-", "_")
        assert integration["type"] == "AWS_PROXY"
        assert integration["integrationHttpMethod"] == "POST"
        assert integration["uri"].endswith(f"yikatong-test-{verb}/invoke")
    assert {resource["pathPart"] for resource in stack.aws_of("apigateway", "Resource").values()} == {"{proxy+}"}


def test_both_are_throttled_and_neither_logs_who_asked_what(stack: Recorder) -> None:
    for inputs in stack.of("MethodSettings").values():
        assert inputs["methodPath"] == "*/*"
        assert inputs["settings"]["throttlingRateLimit"] > 0
        assert inputs["settings"]["throttlingBurstLimit"] > 0
        assert inputs["settings"]["dataTraceEnabled"] is False
        assert inputs["settings"]["loggingLevel"] == "OFF"
    assert not [stage for stage in stack.aws_of("apigateway", "Stage").values() if "accessLogSettings" in stage]


def test_every_method_reaches_the_function_so_that_it_answers_options_itself(stack: Recorder) -> None:
    assert {method["httpMethod"] for method in stack.of("Method").values()} == {"ANY"}


def test_the_public_api_is_told_whom_to_answer_and_how_to_ask_whether_they_are_a_person(stack: Recorder) -> None:
    variables = stack.aws_of("lambda", "Function")["public_api"]["environment"]["variables"]
    assert (variables["SITE_ORIGIN"], variables["CHALLENGE"]) == ("https://butie.example.invalid", "none")


def test_a_function_answers_its_own_api_only(stack: Recorder) -> None:
    for name, permission in stack.of("Permission").items():
        assert permission["principal"] == "apigateway.amazonaws.com"
        stage = name.removesuffix("-api")
        assert permission["sourceArn"].endswith(f"yikatong-test-{name}/execute/{stage}/*")
        assert permission["function"] == f"yikatong-test-{name.replace('-', '_')}"
