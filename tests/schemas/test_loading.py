from pathlib import Path

import pytest

from schemas.errors import ContractError
from schemas.loading import load_contract

CONTRACT = """
from typing import Annotated
from msgspec import Meta, Struct
from schemas.characteristic import Characteristic, derived

class Mine(Struct):
    x: Annotated[float, Meta(ge=0), Characteristic(reason="r")]

    @derived(title="Twice", reason="r")
    @staticmethod
    def twice(x):
        return x * 2
"""


def write(folder: Path, text: str) -> str:
    file = folder / "mine.py"
    file.write_text(text)
    return f"{file}:Mine"


def test_a_contract_is_found_by_module_and_class() -> None:
    assert load_contract("schemas.application:Application").name == "Application"


def test_a_contract_is_found_by_file_and_class(tmp_path: Path) -> None:
    contract = load_contract(write(tmp_path, CONTRACT))
    assert [feature.name for feature in contract.features] == ["x", "twice"]
    assert len(contract.hash) == 64


def test_a_contract_is_found_relative_to_the_working_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path, CONTRACT)
    monkeypatch.chdir(tmp_path)
    assert load_contract("mine.py:Mine").name == "Mine"


def test_a_changed_file_is_another_contract(tmp_path: Path) -> None:
    first = load_contract(write(tmp_path, CONTRACT)).hash
    assert load_contract(write(tmp_path, CONTRACT)).hash == first
    assert load_contract(write(tmp_path, CONTRACT.replace("ge=0", "ge=10"))).hash != first
    assert load_contract(write(tmp_path, CONTRACT.replace("x * 2", "x * 3.0"))).hash != first


def test_files_of_one_name_in_two_folders_are_two_contracts(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    one = load_contract(write(tmp_path / "a", CONTRACT))
    other = load_contract(write(tmp_path / "b", CONTRACT.replace("x * 2", "x * 3")))
    # The formula of the first is looked up only now.
    assert "x * 2" in one.derived[0][1].source
    assert one.hash != other.hash


@pytest.mark.parametrize("address", ["", ":", "schemas.application", "schemas.application:", ":Application"])
def test_an_address_of_another_shape_is_refused_with_the_right_one(address: str) -> None:
    with pytest.raises(ContractError, match=r"write SCORING_CONTRACT as package.module:Class or path/to/file.py:Class"):
        load_contract(address)


@pytest.mark.parametrize("module", ["no.such.module", "schemas.nothing", ".application", "my contract"])
def test_an_unknown_module_is_named(module: str) -> None:
    with pytest.raises(ContractError, match=f"{module}:Mine cannot be used:\n.*the module cannot be imported"):
        load_contract(f"{module}:Mine")


def test_an_unknown_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(ContractError, match=f"there is no file {tmp_path}/mine.py"):
        load_contract(f"{tmp_path}/mine.py:Mine")


def test_a_folder_is_no_file(tmp_path: Path) -> None:
    (tmp_path / "mine.py").mkdir()
    with pytest.raises(ContractError, match="there is no file"):
        load_contract(f"{tmp_path}/mine.py:Mine")


def test_an_unknown_class_is_refused_with_the_classes_there_are() -> None:
    with pytest.raises(ContractError, match=r"schemas.application has no class Mine; it has .*Application"):
        load_contract("schemas.application:Mine")


@pytest.mark.parametrize("address", ["os:getcwd", "os:sep", "pathlib:Path"])
def test_what_is_no_contract_class_is_refused(address: str) -> None:
    with pytest.raises(ContractError, match=r"it has to be a class derived from msgspec.Struct"):
        load_contract(address)


@pytest.mark.parametrize(
    ("broken", "complaint"),
    [
        ("class Mine(:", "invalid syntax"),
        ("import no_such_package", "no_such_package"),
        ("class Mine(Struct): pass", "Struct"),
        ("import msgspec\nclass Mine(msgspec.Strukt): pass", "Strukt"),
        # msgspec refuses this one itself, while the file is read.
        (CONTRACT.replace("ge=0", "ge=0, gt=1"), "gt.*ge"),
        (CONTRACT.replace("ge=0", "ge=1/0"), "division by zero"),
        ("from __future__ import annotations\nfrom msgspec import Struct\nclass Mine(Struct):\n    x: Flaot", "Flaot"),
    ],
)
def test_a_file_that_cannot_be_read_is_named_with_what_is_wrong(tmp_path: Path, broken: str, complaint: str) -> None:
    with pytest.raises(ContractError, match=rf"(?s)[Mm]ine.*{complaint}"):
        load_contract(write(tmp_path, broken))


def test_a_module_that_cannot_be_read_is_named_with_what_is_wrong(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "broken_contract.py").write_text("class Mine(:")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(ContractError, match=r"broken_contract.*\n.*invalid syntax"):
        load_contract("broken_contract:Mine")
