"""What the commands print: progress and results on the terminal, errors without a traceback."""

from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

out = Console(highlight=False)
err = Console(stderr=True, highlight=False)


class Steps:
    """A progress bar over a known number of named steps."""

    def __init__(self, progress: Progress, total: int, title: str) -> None:
        self._progress, self._task = progress, progress.add_task(title, total=total, step="")

    def begin(self, step: str) -> None:
        """Shows what is being worked on."""
        self._progress.update(self._task, step=step)

    def done(self) -> None:
        """Moves the bar one step on."""
        self._progress.advance(self._task)


@contextmanager
def progress_bar(title: str, total: int) -> Iterator[Steps]:
    """A bar with count, share and time left, on standard error, so that results can be piped."""
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TaskProgressColumn(),
        TimeRemainingColumn(),
        TextColumn("{task.fields[step]}"),
    )
    with Progress(*columns, console=err) as progress:
        yield Steps(progress, total, title)
