"""What typer says of itself, in Chinese: the help's headings, and what is wrong with a command line.

Bureaus read Chinese; typer has no catalogue of its own for these words, so they are said here, in one place.
"""

import re
from typing import Any

import typer
from typer.core import TyperGroup

_WORDS = {
    "OPTIONS_PANEL_TITLE": "选项",
    "ARGUMENTS_PANEL_TITLE": "参数",
    "COMMANDS_PANEL_TITLE": "命令",
    "REQUIRED_LONG_STRING": "[必填]",
    "DEFAULT_STRING": "[默认：{}]",
    "ENVVAR_STRING": "[环境变量：{}]",
}
_WRONG = (
    (r"Missing command\.", "缺少命令"),
    (r"No such command '(.*?)'\.(?: Did you mean (.*)\?)?", "没有 {} 这个命令"),
    (r"Got unexpected extra argument\(s\) \((.*)\)", "多出了“{}”：选项名以 -- 开头，含空格的要加引号"),
    (r"Option '(.*?)' requires .*", "选项 {} 后面要给出值"),
    (r"Option '(.*?)' does not take a value\.", "选项 {} 后面不给值"),
)
"""What typer finds wrong with no class of its own to say it: a pattern of its words, and ours."""
_KINDS = {
    "int_parsing": "应是整数",
    "int_from_float": "应是整数",
    "float_parsing": "应是数字",
    "bool_parsing": "应是 true 或 false",
    "greater_than_equal": "至少是 {ge}",
    "less_than_equal": "至多是 {le}",
}
"""By pydantic's kinds of error, with their context."""
_CHINESE = re.compile("[一-鿿]")


_Formatter: Any = typer.Context.formatter_class


class _ChineseFormatter(_Formatter):  # type: ignore[misc]
    """Says 用法 where it would say Usage."""

    def write_usage(self, prog: str, args: str = "", prefix: str | None = None) -> None:
        super().write_usage(prog, args, prefix or "用法：")


class _Context(typer.Context):
    formatter_class = _ChineseFormatter


def speak(command: Any) -> Any:
    """Have the command, and every command below it, explain itself in Chinese; returns it."""
    from typer import rich_utils

    for name, words in _WORDS.items():
        setattr(rich_utils, name, words)
    _speak(command)
    return command


def _speak(command: Any) -> None:
    command.context_class = _Context
    command.options_metavar = "[选项]"
    command.get_help_option(_Context(command)).help = "显示本说明。"
    if isinstance(command, TyperGroup):
        command.subcommand_metavar = "命令 …"
        for each in command.commands.values():
            _speak(each)


def wrong(error: Any) -> str:
    """What is wrong with a command line, as typer's exception tells it."""
    match type(error).__name__:
        case "NoSuchOption":
            near = "、".join(sorted(error.possibilities or ()))
            return f"没有 {error.option_name} 这个选项" + (f"，是不是 {near}？" if near else "")
        case "MissingParameter":
            return f"缺少{_named(error.param)}" + (f"：{error.param.help}" if getattr(error.param, "help", "") else "")
        case "BadParameter":
            said = _why(error)
            return f"{_named(error.param)} 不对：{said}" if error.param is not None else said
    return _plain(str(error.message))


def _named(parameter: Any) -> str:
    """A parameter as people find it in the help: `选项 --number`, `参数“文件”`."""
    if parameter.param_type_name == "option":
        return f"选项 {' 或 '.join(parameter.opts)}"
    return f"参数“{parameter.metavar or parameter.name}”"


def _why(error: Any) -> str:
    """Why a value will not do; typer's message is pydantic's, whose kind is told apart by its code."""
    if _CHINESE.search(error.message):
        return str(error.message)
    choices = error.param.type_descriptor.choices if error.param is not None else None
    if choices:
        return f"只能是 {'、'.join(str(getattr(each, 'value', each)) for each in choices)}"
    found: list[Any] = getattr(error.__cause__, "errors", list)()
    for each in found[:1]:
        if each["type"] in _KINDS:
            return _KINDS[each["type"]].format(**each.get("ctx", {}))
    return str(error.message)


def _plain(message: str) -> str:
    for pattern, words in _WRONG:
        if found := re.fullmatch(pattern, message):
            told = words.format(*found.groups())
            near = found[2] if found.re.groups > 1 else None
            return f"{told}，是不是 {near.replace(chr(39), '').replace(', ', '、')}？" if near else told
    return message
