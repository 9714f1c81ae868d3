"""Every problem that the doctor finds is made for real, and its page says what the doctor says."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

import pytest
from support.command_line import CommandLine
from support.scripted_policy import ScriptedPolicy
from support.set_ups import MOUNTS, SET_UPS, can_mount, made

PAGE = (Path(__file__).parents[2] / "docs" / "troubleshooting.md").read_text()
PARTS = 12


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """What the page says of one problem."""

    part: str
    detail: str
    remedy: str
    paragraph: str


def sections() -> dict[str, Section]:
    """The sections of the page by their headings."""
    found = {}
    for text in re.split(r"^## ", PAGE, flags=re.MULTILINE)[1:]:
        heading, _, rest = text.partition("\n")
        told = re.fullmatch(r"\n> ([\w ]+): (.+)\n>\n> → (.+)\n\n(.+)", rest.rstrip(), flags=re.DOTALL)
        assert told, f"the section {heading!r} does not say what the doctor says"
        part, detail, remedy, paragraph = told.groups()
        found[heading] = Section(part=part, detail=detail, remedy=remedy, paragraph=paragraph)
    return found


def says(pattern: str, text: str) -> bool:
    """Whether a text is what the page shows, where `…` stands for anything."""
    return re.fullmatch(".*".join(map(re.escape, pattern.split("…"))), text, re.DOTALL) is not None


def test_the_page_has_a_section_for_each_and_no_other() -> None:
    """A problem without a section, or a section without a problem, is a mistake."""
    assert list(sections()) == list(SET_UPS)


@pytest.mark.slow
@pytest.mark.parametrize("name", SET_UPS)
def test_the_doctor_says_what_the_page_says(policy: ScriptedPolicy, user: CommandLine, name: str) -> None:
    """The part is blamed with a cure, and every other part is examined all the same."""
    if name in MOUNTS and not can_mount():
        pytest.skip("this machine makes no namespaces for tests")
    policy.will_complete(" a + b\n")
    section = sections()[name]
    with made(name, user) as set_up:
        ran = user.run("doctor", "--json", environ=set_up.environ, under=set_up.under)
    found = {finding["part"]: finding for finding in ran.report["findings"]}
    blamed = found[section.part]
    assert len(found) == PARTS
    assert says(section.detail, blamed["detail"]), blamed
    assert says(section.remedy, blamed["remedy"]), blamed
    assert blamed["state"] != "ok" or section.part == "training"
