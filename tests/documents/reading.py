"""The documents as their tests read them: headings, links, blocks of code, and the commands in these."""

import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass

from tests.flows.homes import ROOT

# Documents whose commands are run. A guide that is still to be written is not looked for.
GUIDES = (
    "README.md",
    "flows/README.md",
    "dashboard/README.md",
    "schemas/README.md",
    "DEPLOYMENT.md",
    "SECURITY.md",
)
SHELLS = ("bash", "sh", "console")
_FENCE = re.compile(r"^( *)```(\w*)\n(.*?)^\1```$", flags=re.MULTILINE | re.DOTALL)
# Folders that hold no document of the project.
_ELSEWHERE = frozenset({".venv", ".git", ".pytest_cache", "build", "data", "node_modules"})


@dataclass(frozen=True)
class Block:
    """A fenced block: its language and its text, without the space it is indented by."""

    language: str
    text: str


def text_of(document: str) -> str:
    """The text of a document, empty if it is not there."""
    path = ROOT / document
    return path.read_text(encoding="utf-8") if path.exists() else ""


def all_documents() -> list[str]:
    """Every Markdown file of the project, relative to its root."""
    found = (path.relative_to(ROOT) for path in ROOT.rglob("*.md"))
    return sorted(str(path) for path in found if not _ELSEWHERE.intersection(path.parts))


def blocks_of(text: str, *languages: str) -> list[Block]:
    """The fenced blocks of some languages, in their order; of all if none is named."""
    blocks = (
        Block(language, re.sub(rf"^{indent}", "", body, flags=re.MULTILINE))
        for indent, language, body in _FENCE.findall(text)
    )
    return [block for block in blocks if not languages or block.language in languages]


def commands_of(text: str) -> list[str]:
    """The commands of the shell blocks, each as a shell reads it: continued lines joined, comments left out."""
    return [command for block in blocks_of(text, *SHELLS) for command in _commands_in(block)]


def _commands_in(block: Block) -> Iterator[str]:
    text = block.text
    if block.language == "console":
        text = "\n".join(line.removeprefix("$ ") for line in text.splitlines() if line.startswith("$ "))
    command = ""
    for line in re.sub(r"\\\n\s*", "", text).splitlines():
        command = f"{command} {_without_remark(line)}".strip()
        if command and not _is_open(command):
            yield command
            command = ""
    assert not command, f"a quotation does not end: {command}"


def _without_remark(line: str) -> str:
    return re.sub(r"(^|\s+)#\s.*$", "", line).strip()


def _is_open(command: str) -> bool:
    """Whether a quotation goes on in the next line."""
    try:
        shlex.split(command)
    except ValueError:
        return True
    return False


def prose_of(text: str) -> str:
    """A document without its fenced blocks."""
    return _FENCE.sub("", text)


def headings_of(text: str, level: int, under: str = "") -> list[str]:
    """The headings of a level in their order; those between the heading `under`, a level higher, and the next such."""
    prose = prose_of(text)
    if under:
        prose = re.split(rf"^#{{1,{level - 1}}} ", prose.partition(f"\n{'#' * (level - 1)} {under}\n")[2], flags=re.M)[
            0
        ]
    return [heading.replace("`", "") for heading in re.findall(rf"^#{{{level}}} (.+)$", prose, flags=re.MULTILINE)]


def section_of(text: str, heading: str) -> str:
    """What stands under a heading of any level, up to the next of the same or a higher one."""
    start = re.search(rf"^(#+) {re.escape(heading)}$", text, flags=re.MULTILINE)
    assert start, f"there is no heading {heading!r}"
    return re.split(rf"^#{{1,{len(start[1])}}} ", text[start.end() :], flags=re.MULTILINE)[0]


def anchors_of(text: str) -> set[str]:
    """The anchors that GitHub gives the headings of a document."""
    found: dict[str, int] = {}
    anchors = set()
    for heading in re.findall(r"^#+ (.+)$", prose_of(text), flags=re.MULTILINE):
        words = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading).lower()
        anchor = re.sub(r"[^\w\- ]", "", words).replace(" ", "-")
        number = found.setdefault(anchor, 0)
        found[anchor] += 1
        anchors.add(f"{anchor}-{number}" if number else anchor)
    return anchors


def links_of(text: str) -> list[str]:
    """The targets of all links and pictures, but for those to the web."""
    targets = re.findall(r"\]\(([^)\s]+)\)", re.sub(r"`[^`\n]*`", "", prose_of(text)))
    return [target for target in targets if not re.match(r"(https?|mailto):", target)]
