"""Where DuckDB puts what does not fit into memory: for every database of every process, a folder of its own.

Two that share one write over each other's rows, and answers fail or are wrong (seen with 1.5.5). By itself, DuckDB has
all processes that read a file share one.
"""

import atexit
import os
import re
import secrets
import shutil
import socket
import tempfile
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from threading import Lock

PREFIX = "credit-express-spill"


@dataclass
class _Process:
    """What a process has: a mark for its folders beside files, and a folder with the temporary files if it needs one.

    `places` are the folders within it, by the file they are for.
    """

    pid: int
    mark: str
    folder: Path | None = None
    places: dict[Path, str] = field(default_factory=dict)


# The process that runs, at the end: a forked one begins with what its parent has.
_known: list[_Process] = []
_numbers = count(1)
_making = Lock()


def beside(path: Path) -> str:
    """The folder for a warehouse that is a file: beside it, or with the temporary files if nothing can be made there.

    The same one each time, since a process opens a file with one configuration. DuckDB makes it when there is need of
    it, and takes it away when the file is closed.
    """
    with _making:
        process = _this_process()
        if os.access(path.parent, os.W_OK):
            return str(path.with_name(_prefix(path) + process.mark))
        if path not in process.places:
            process.places[path] = _within(process)
        return process.places[path]


def clear_beside(path: Path) -> None:
    """Removes what killed processes left beside a file that the caller has open for writing, so that no other has."""
    # Who still reads a file that was replaced keeps what is open; a question that needs more fails, and is asked again.
    with _making:
        own = _prefix(path) + _this_process().mark
    for folder in path.parent.iterdir():
        if folder.name.startswith(_prefix(path)) and folder.name != own:
            shutil.rmtree(folder, ignore_errors=True)


def temporary() -> str:
    """A new folder with the temporary files, which only this user can look into; it goes when the process ends."""
    with _making:
        return _within(_this_process())


def _this_process() -> _Process:
    if not _known or _known[-1].pid != os.getpid():
        _known.append(_Process(os.getpid(), secrets.token_hex(8)))
    return _known[-1]


def _within(process: _Process) -> str:
    if process.folder is None:
        _clear_temporary()
        process.folder = Path(tempfile.mkdtemp(prefix=f"{PREFIX}-{socket.gethostname()}-{process.pid}-"))
        atexit.register(_remove, process)
    return str(process.folder / str(next(_numbers)))


def _remove(process: _Process) -> None:
    # A forked process that ends leaves its parent's alone.
    if process.folder and process.pid == os.getpid():
        shutil.rmtree(process.folder, ignore_errors=True)


def _clear_temporary() -> None:
    """Removes the folders of processes of this host that were killed: they may hold personal data."""
    named = re.compile(rf"{PREFIX}-{re.escape(socket.gethostname())}-(\d+)-[^-]+")
    for folder in Path(tempfile.gettempdir()).iterdir():
        found = named.fullmatch(folder.name)
        if found and not _is_alive(int(found[1])):
            shutil.rmtree(folder, ignore_errors=True)


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        # Another user's.
        return True
    return True


def _prefix(path: Path) -> str:
    return f".{path.name}.spill-"
