"""`yikatong local`: the whole system on this machine, for trying things out and for checking the books."""

import signal
import threading
from datetime import date, datetime
from pathlib import Path
from typing import Annotated, Any, NoReturn

import typer

app = typer.Typer(no_args_is_help=True, help="本机云：在一台电脑上运行整个平台，无需云账号。")

ENDPOINT_VARIABLE = "YIKATONG_ENDPOINT"
DEFAULT_DATE = date(2023, 6, 1)
ACCOUNT_CLOSED = "AC04"
"""Why the simulated bank rejects a payment when it is told to."""
Endpoint = Annotated[
    str, typer.Option("--endpoint", envvar=ENDPOINT_VARIABLE, help="本机云的网关地址，由 local up 打印。")
]
DateText = Annotated[str | None, typer.Option(metavar="日期", help="形如 2023-06-12。")]


@app.command()
def up(
    as_of: Annotated[
        str | None, typer.Option("--as-of", metavar="日期", help="本机云的日期，默认 2023-06-01。")
    ] = None,
    plan: Annotated[
        list[Path] | None, typer.Option("--plan", help="发放工作计划文件，可重复；默认用已提交的计划。")
    ] = None,
    port: Annotated[int, typer.Option("--port", help="网关端口，0 为任选一个空闲端口。")] = 0,
    seed: Annotated[int, typer.Option("--bank-seed", help="模拟银行的随机种子。")] = 7,
) -> None:
    """启动本机云并保持运行，按 Ctrl-C 结束；结束后不留任何进程和文件。"""
    from infra.local.cloud import LocalCloud

    stopped = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda *_: _interrupt(stopped))
    try:
        with LocalCloud(_date(as_of) or DEFAULT_DATE, plans=plan, bank_seed=seed, port=port) as cloud:
            _print_endpoints(cloud.describe())
            while not stopped.wait(0.2):  # a signal may reach another thread, and this one sees it when it wakes
                pass
    except _Interrupted:
        pass
    typer.echo("本机云已停止。")


@app.command()
def export(
    folder: Annotated[Path, typer.Argument(metavar="目录", help="写入的目录，应为空或不存在。")],
    endpoint: Endpoint = "",
) -> None:
    """导出全部存储对象、数据表和银行账簿，供任何人核对。"""
    from infra.local.clients import Clients
    from infra.local.export import export as write

    if folder.exists() and any(folder.iterdir()):
        _fail(f"{folder} 不是空目录，请换一个目录，以免新旧文件混在一起。")
    about = _call(endpoint, "GET", "/_local")
    clients = Clients(about["endpoints"]["aws"], about["region"])
    counts = write(folder, clients, about["bank"]["endpoint"])
    typer.echo(
        f"已导出到 {folder}：{counts['objects']} 个对象，{counts['items']} 条数据，{counts['books']} 份银行账簿。"
    )


@app.command()
def clock(advance_to: DateText = None, jump_to: DateText = None, endpoint: Endpoint = "") -> None:
    """查看或调整本机云的日期：--advance-to 逐日执行其间的发放排程，--jump-to 只改日期。"""
    if advance_to and jump_to:
        _fail("--advance-to 与 --jump-to 只能选一个。")
    wanted = {"advance_to": advance_to} if advance_to else {"jump_to": jump_to} if jump_to else None
    if advance_to:
        _refuse_far_days(endpoint, advance_to)
    elif jump_to:
        _date(jump_to)
    answer = _call(endpoint, "POST" if wanted else "GET", "/_local/clock", wanted)
    if fired := answer.get("fired"):
        from cli.ticks import told

        for line in told(fired, datetime.fromisoformat(answer["now"]).tzinfo):
            typer.echo(line)
    typer.echo(f"当前时间：{datetime.fromisoformat(answer['now']):%Y-%m-%d %H:%M:%S}")


@app.command()
def bank(
    reject: Annotated[
        list[str] | None,
        typer.Option("--reject", metavar="账号", help="拒付这个账号（已销户）；账号见持卡信息，可重复给出。"),
    ] = None,
    reject_percent: Annotated[
        int, typer.Option("--reject-percent", metavar="百分数", min=0, max=100, help="任选这么多账号拒付。")
    ] = 0,
    reset: Annotated[bool, typer.Option("--reset", help="从此全部照付，以前说的都不算了。")] = False,
    endpoint: Endpoint = "",
) -> None:
    """告诉模拟银行从此拒付谁，用来试拒付和补发；在发放之前说，补发之前 --reset。"""
    wanted: dict[str, Any] = {"reset": True} if reset else {}
    if reject:
        wanted["accounts"] = {account: {"outcome": "reject", "code": ACCOUNT_CLOSED} for account in reject}
    if reject_percent:
        wanted["rates"] = {"reject": reject_percent / 100}
    if not wanted:
        _fail("请用 --reject、--reject-percent 说明拒付谁，或用 --reset 恢复全部照付。")
    _call(endpoint, "POST", "/_local/bank/script", wanted)
    told = [f"拒付账号 {'、'.join(reject)}"] if reject else []
    told += [f"其余账号约 {reject_percent}% 拒付"] if reject_percent else []
    typer.echo(f"模拟银行从此{'，'.join(told) or '全部照付'}。")


def _refuse_far_days(endpoint: str, advance_to: str) -> None:
    from infra.local.clock import MAX_DAYS

    to, today = _date(advance_to), datetime.fromisoformat(_call(endpoint, "GET", "/_local/clock")["now"]).date()
    assert to is not None
    if to < today:
        _fail(f"现在是 {today}，--advance-to 只能往后；要回到 {to} 请用 --jump-to（不会执行排程）。")
    if (to - today).days > MAX_DAYS:
        _fail(
            f"--advance-to 一次最多前进 {MAX_DAYS} 天，{today} 至 {to} 太远；请分几次，或用 --jump-to（不会执行排程）。"
        )


class _Interrupted(KeyboardInterrupt):
    """Ctrl-C during start-up: unwinds through the cloud, which then ends what it has begun. A KeyboardInterrupt, because an
    event loop swallows whatever else is raised in its callbacks, and would go on for ever."""


def _interrupt(stopped: threading.Event) -> None:
    if stopped.is_set():
        return
    stopped.set()
    raise _Interrupted


def _print_endpoints(about: dict[str, Any]) -> None:
    from rich.table import Table

    from cli.tables import print_table
    from yikatong.principals import Role
    from yikatong.regions import name_of

    typer.echo(f"公众服务区：{about['endpoints']['gateway']}/")
    names = {
        "gateway": "网站与本机云网关",
        "public": "公众接口",
        "bureau": "财政部门接口",
        "aws": "云服务（S3、DynamoDB 等）",
        "bank": "模拟银行",
    }
    table = Table(title=f"本机云已就绪，日期 {about['now'][:10]}", title_justify="left")
    table.add_column("服务")
    table.add_column("地址")
    for key, name in names.items():
        table.add_row(name, about["endpoints"][key])
    people = Table(title="可用账号（虚构，仅限本机）", title_justify="left")
    for heading in ("账号", "角色", "地区", "访问密钥", "密钥"):
        people.add_column(heading)
    for name, person in about["principals"].items():
        where = f"{name_of(person['region'])} {person['region']}"
        keys = (person["access_key_id"], person["secret_access_key"])
        people.add_row(name, Role(person["role"]).chinese, where, *keys)
    print_table(table, people)
    typer.echo(f"export {ENDPOINT_VARIABLE}={about['endpoints']['gateway']}")
    typer.echo("请在另一个终端窗口里用上一行，再试各个命令；在这里按 Ctrl-C 结束本机云，它的数据随即清除。")


def _call(endpoint: str, method: str, path: str, body: Any = None) -> Any:
    import httpx

    if not endpoint:
        _fail(f"请用 --endpoint 或环境变量 {ENDPOINT_VARIABLE} 给出本机云的地址（由 yikatong local up 打印）。")
    from cli.api import local_address

    address = local_address(endpoint)
    try:
        answer = httpx.request(method, address + path, json=body, timeout=1800)
    except httpx.TransportError:
        _fail(f"连不上本机云 {endpoint}，请先运行 yikatong local up。")
    if answer.is_error:
        _fail(answer.json().get("message", answer.text))
    return answer.json()


def _date(text: str | None) -> date | None:
    if text is None:
        return None
    try:
        day = date.fromisoformat(text)
    except ValueError:
        day = None
    if day is None or day.isoformat() != text:
        _fail(f"日期“{text}”应是日历上有的一天，写作 2023-06-12。")
    return day


def _fail(message: str) -> NoReturn:
    from yikatong.errors import Refusal

    raise Refusal(message)
