from pathlib import PurePosixPath

import pytest

from tests.documents.reading import all_documents, anchors_of, links_of, text_of
from tests.flows.homes import ROOT


@pytest.mark.parametrize("document", all_documents())
def test_every_link_leads_to_a_file_and_a_heading_that_are_there(document: str) -> None:
    broken = [link for link in links_of(text_of(document)) if not leads_somewhere(document, link)]
    assert broken == []


def leads_somewhere(document: str, link: str) -> bool:
    name, _, anchor = link.partition("#")
    target = (ROOT / PurePosixPath(document).parent / name).resolve() if name else ROOT / document
    if not (target.exists() and target.is_relative_to(ROOT)):
        return False
    return not anchor or anchor in anchors_of(target.read_text(encoding="utf-8"))


def test_a_link_to_nowhere_is_found() -> None:
    assert not leads_somewhere("README.md", "flows/none.md")
    assert not leads_somewhere("README.md", "#no-such-heading")
    assert not leads_somewhere("README.md", "../elsewhere")
    assert leads_somewhere("flows/README.md", "../README.md#commands")
