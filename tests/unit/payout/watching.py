"""Every call of a port can be counted, preceded by somebody else's act, or be a worker's last, before or after its effect."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any


class WorkerDied(BaseException):
    """The worker is gone, as by a kill: nothing in the code may catch it."""


@dataclass
class Watch:
    """Every port call passes here. `dies_at` is the ordinal of the worker's last call; `acts` are others' acts in between."""

    count: int = 0
    dies_at: int | None = None
    after: bool = False
    deaths: int = 0
    calls: list[str] = field(default_factory=list)
    acts: list[tuple[str, Callable[[tuple[Any, ...]], bool], Callable[[], object]]] = field(default_factory=list)

    def call(self, name: str, arguments: tuple[Any, ...], effect: Callable[[], Any]) -> Any:
        for act in [act for act in self.acts if act[0] == name and act[1](arguments)]:
            self.acts.remove(act)
            act[2]()
        ordinal = self.count
        self.count += 1
        self.calls.append(name)
        if ordinal == self.dies_at and not self.after:
            self._die(name)
        result = effect()
        if ordinal == self.dies_at:
            self._die(name)
        return result

    def _die(self, name: str) -> None:
        self.deaths += 1
        raise WorkerDied(name)


class Watched:
    """A port, every method of which is watched."""

    def __init__(self, name: str, target: object, watch: Watch) -> None:
        self._name, self._target, self._watch = name, target, watch

    def __getattr__(self, method: str) -> Any:
        found = getattr(self._target, method)
        if not callable(found):
            return found

        def call(*arguments: Any, **options: Any) -> Any:
            return self._watch.call(f"{self._name}.{method}", arguments, lambda: found(*arguments, **options))

        return call


def any_arguments(_arguments: tuple[Any, ...]) -> bool:
    return True


def saves(kind: type) -> Callable[[tuple[Any, ...]], bool]:
    """Matches a `control.save` in which an item of this kind takes part."""
    return lambda arguments: any(isinstance(item, kind) for item in arguments)


def key_starts(prefix: str) -> Callable[[tuple[Any, ...]], bool]:
    return lambda arguments: str(arguments[0]).startswith(prefix)
