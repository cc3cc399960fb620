"""Finds the contract class a setting names."""

import importlib
import importlib.util
import sys
from pathlib import Path
from types import ModuleType

from schemas.contract import Contract, read_contract
from schemas.errors import ContractError


def load_contract(address: str) -> Contract:
    """The contract at `package.module:Class` or `path/to/file.py:Class`; raises ContractError if there is none."""
    where, _, class_name = address.rpartition(":")
    if not where or not class_name:
        raise ContractError(address, ["write SCORING_CONTRACT as package.module:Class or path/to/file.py:Class"])
    module = _module_from_file(where, address) if where.endswith(".py") else _module_by_name(where, address)
    if not hasattr(module, class_name):
        classes = ", ".join(sorted(name for name, value in vars(module).items() if isinstance(value, type)))
        raise ContractError(address, [f"{where} has no class {class_name}; it has {classes or 'none'}"])
    return read_contract(getattr(module, class_name))


def _module_by_name(name: str, address: str) -> ModuleType:
    try:
        return importlib.import_module(name)
    except Exception as error:
        # A contract is somebody else's code and may fail in any way.
        raise ContractError(address, [f"the module cannot be imported: {error}"]) from error


def _module_from_file(path: str, address: str) -> ModuleType:
    file = Path(path).resolve()
    spec = importlib.util.spec_from_file_location(f"contract_{file.stem}", file)
    if spec is None or spec.loader is None or not file.is_file():
        raise ContractError(address, [f"there is no file {file}"])
    module = importlib.util.module_from_spec(spec)
    # Type hints and the source of derived features are looked up through sys.modules.
    sys.modules[spec.name] = module
    try:
        spec.loader.exec_module(module)
    except Exception as error:
        raise ContractError(address, [f"{file} cannot be imported: {error}"]) from error
    return module
