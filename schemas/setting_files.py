"""Settings that are read from files, which is how container platforms give them: `SCORING_<NAME>_FILE`."""

from collections.abc import Collection, Mapping
from pathlib import Path

from schemas.errors import SettingsError

ENDING = "_file"
# Longer than any setting; a path to a device or a data file is a mistake.
LONGEST = 1_000_000


def with_files_read(given: Mapping[str, str], names: Collection[str], prefix: str) -> dict[str, str]:
    """The settings given, by lower-case name, with `<name>_file` replaced by `<name>` and what stands in its file.

    One trailing line feed is dropped. A name of `names` that ends in `_file` is a setting like any other. Raises
    SettingsError if a file cannot be read or both are given; it never shows what stands in a file.
    """
    values = dict(given)
    for name, path in given.items():
        target = name.removesuffix(ENDING)
        if name in names or target == name or target not in names:
            continue
        variable, of_file = f"{prefix}{target.upper()}", f"{prefix}{name.upper()}"
        if target in given:
            raise SettingsError(f"{variable} and {of_file} are both set; keep one of them")
        values[target] = _content(Path(path).expanduser(), of_file)
        del values[name]
    return values


def _content(path: Path, variable: str) -> str:
    try:
        with path.open("rb") as file:
            content = file.read(LONGEST + 1)
    except OSError as error:
        raise SettingsError(f"{variable}: {path} cannot be read: {error.strerror}") from error
    if len(content) > LONGEST:
        raise SettingsError(f"{variable}: {path} has more than {LONGEST:,} bytes; it cannot be a setting")
    try:
        text = content.decode()
    except UnicodeDecodeError:
        text = "\0"
    # Said here, outside the handler: the error of the codec holds what stands in the file.
    if "\0" in text:
        raise SettingsError(f"{variable}: what stands in {path} is not text in UTF-8; it is not shown")
    return text.removesuffix("\n").removesuffix("\r") if text.endswith("\r\n") else text.removesuffix("\n")
