"""Shows the events of one suggestion in a terminal as they happen, then the offer with its evidence."""

from __future__ import annotations

from rich.console import Console, Group, RenderableType
from rich.panel import Panel
from rich.syntax import Syntax
from rich.table import Table
from rich.text import Text

from plum_lsp.domain.display import visible
from plum_lsp.domain.events import Ended, Event, Prompted, Sampled, Synthesized, Verified
from plum_lsp.domain.suggestion import Abstention, Judged, Offer, SamplingOptions, Tier
from plum_lsp.domain.verification import (
    Equals,
    Expectation,
    Holds,
    Passes,
    Prints,
    Raises,
    Shows,
    TestCase,
    Verdict,
)
from plum_lsp.report.marks import TIER, VERDICT


class TerminalRecorder:
    """A recorder that prints each event. It shows source text in the user's own terminal only."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._tests: dict[str, TestCase] = {}
        self._said: dict[str, Tier] = {}
        self.failure: OSError | None = None

    def record(self, event: Event) -> None:
        """Print one event. After a failed print, it prints no more, and `failure` says why."""
        if self.failure is not None:
            return
        try:
            self._print(event)
        except OSError as error:
            self.failure = error

    def _print(self, event: Event) -> None:
        match event:
            case Prompted():
                self._console.print(_heading(event))
            case Synthesized():
                self._tests = {test.id: test for test in event.tests}
                self._console.print(_tests_table(event.tests))
            case Sampled():
                self._console.print(_sampled(event))
            case Verified(judged=judged):
                if self._said.get(judged.candidate.id) is not judged.tier:
                    self._console.print(_judged(judged, self._tests))
                if judged.strength is not None:
                    self._console.print(_strength(judged))
                self._said[judged.candidate.id] = judged.tier
            case Ended():
                self._console.print(_ended(event))


def _strength(judged: Judged) -> Text:
    """The strength of the offered candidate's tests, in words."""
    share = f"{judged.strength or 0:.0%}"
    return Text(f"Strength: the tests and inputs tell {share} of small wrong variants from the offer", style="dim")


def source(text: str) -> Syntax:
    """Python source with syntax colours."""
    text = visible(text.replace("\r\n", "\n").rstrip("\n"))
    return Syntax(text, "python", background_color="default", word_wrap=True)


def expectation_text(expectation: Expectation) -> str:
    """The expectation in words."""
    match expectation:
        case Equals(expected=expected):
            return expected
        case Raises(type_name=name, message=message):
            return f"raises {name}" + (f": {message}" if message else "")
        case Prints(text=text):
            return f"prints {text!r}"
        case Shows(text=text):
            return f"shows {text}"
        case Passes(test=test):
            return f"passes: {test}"
        case Holds(predicate=predicate):
            return f"{predicate} holds"


def _heading(event: Prompted) -> Text:
    function = event.context.function
    where = f"in {function.qualified_name}{_parameters(function.parameters)}" if function else "at module level"
    return Text.assemble(("Completing ", "bold"), where, (f"  · {_sampling(event.options)}", "dim"))


def _sampling(options: SamplingOptions) -> str:
    ladder = options.temperatures
    if not ladder:
        return "computed in the sandbox, without the model"
    return f"{len(ladder)} candidates at temperature {min(ladder):g} to {max(ladder):g}, seed {options.seed}"


def _parameters(names: tuple[str, ...]) -> str:
    return "(" + ", ".join(names) + ")"


def _tests_table(tests: tuple[TestCase, ...]) -> RenderableType:
    if not tests:
        return Text("No tests or examples found, so no suggestion can be verified.", style="yellow")
    table = Table(title="Tests read from the file", title_justify="left", title_style="bold", box=None, padding=(0, 2))
    for heading in ("", "call", "expected", "from"):
        table.add_column(heading, overflow="fold")
    for number, test in enumerate(tests, start=1):
        call = "; ".join(part for part in (test.call.setup.strip().replace("\n", "; "), test.call.expression) if part)
        table.add_row(str(number), call, expectation_text(test.expectation), test.origin.value)
    return table


def _sampled(event: Sampled) -> RenderableType:
    completion = event.candidate.completion
    title = Text.assemble((f"Candidate {completion.index + 1}", "bold"), f"  T {completion.temperature:g}")
    if event.candidate.mean_logprob is not None:
        title.append(f"  mean log-probability {event.candidate.mean_logprob:.2f}", style="dim")
    title.append(f"  {completion.ended_ms / 1000:.1f} s", style="dim")
    if event.duplicate_of is not None:
        return title.append(f"  the same as candidate {event.duplicate_of + 1}", style="dim")
    return Group(title, source(event.candidate.text))


def _judged(judged: Judged, tests: dict[str, TestCase]) -> Text:
    line = Text(f"  → candidate {judged.candidate.completion.index + 1}: ")
    for verdict in judged.verdicts:
        line.append(*VERDICT[verdict.status])
    line.append(" ")
    if judged.is_refuted:
        line.append("rejected", style="bold red")
    else:
        line.append(judged.tier.value, style=TIER[judged.tier].style)
    line.append(f"  {judged.reason}", style="dim")
    return line


def _evidence(offer: Offer) -> Table:
    tests = {test.id: test for test in offer.tests}
    table = Table(box=None, padding=(0, 2), show_header=False)
    for verdict in offer.chosen.verdicts:
        table.add_row(*_evidence_row(verdict, tests[verdict.test_id]))
    return table


def _evidence_row(verdict: Verdict, test: TestCase) -> tuple[Text, Text, Text]:
    return Text(*VERDICT[verdict.status]), Text(test.call.expression), Text(f"gave {verdict.shown}")


def _ended(event: Ended) -> RenderableType:
    stages = event.stages_ms
    times = "  ".join(f"{name.replace('_', ' ')} {value / 1000:.2f} s" for name, value in stages.items())
    if isinstance(event.result, Abstention):
        reason = event.result.reason.value.replace("_", " ")
        ending = f" ({reason}): {event.result.detail}"
        told = Text.assemble(("Nothing offered", "bold yellow"), ending)
        return Group(told, Text(times, style="dim")) if times else told
    offer = event.result
    chosen = offer.chosen
    title = Text.assemble(
        ("Offer", "bold"),
        f": candidate {chosen.candidate.completion.index + 1}, ",
        (chosen.tier.value, TIER[chosen.tier].style),
        f" ({chosen.reason})",
    )
    code = source(offer.text)
    body: RenderableType = Group(code, Text(), _evidence(offer)) if chosen.verdicts else code
    return Group(Panel(body, title=title, title_align="left", border_style="green"), Text(times, style="dim"))
