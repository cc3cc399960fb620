"""No field of the default contract is named by the code that any contract runs through."""

import re
from pathlib import Path

import pytest

from tests.flows.homes import ROOT

PACKAGES = ("dashboard", "flows", "tasks", "model", "warehouse", "service", "schemas")
# Where the default contract is declared, and what makes a portfolio for it.
OWN = ("schemas/application.py", "schemas/sample/")
# Of the fields those whose names are no words of other things: a feature may be an income, a customer has an age.
NAMED = re.compile(r"\b(employment_length|credit_score|loan_amount)\b")


def sources() -> list[Path]:
    found = (path for package in PACKAGES for path in (ROOT / package).rglob("*") if path.suffix in (".py", ".sql"))
    return [path for path in found if not path.relative_to(ROOT).as_posix().startswith(OWN)]


def test_the_code_is_found() -> None:
    assert {path.relative_to(ROOT).parts[0] for path in sources()} == set(PACKAGES)


@pytest.mark.parametrize("package", PACKAGES)
def test_no_package_names_a_field_of_the_default_contract(package: str) -> None:
    named = [
        f"{path.relative_to(ROOT)}:{number}"
        for path in sources()
        if path.relative_to(ROOT).parts[0] == package
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1)
        if NAMED.search(line)
    ]
    assert named == []
