"""Benchmark rows beside the held-out prompts: read, run with their own tests, weighed, and kept from training."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import pytest
from support.learning import tiny_settings

from plum_lsp.config import GateSettings
from plum_lsp.domain.errors import ConfigError
from plum_lsp.domain.suggestion import FimTemplate
from plum_lsp.domain.verification import Limits
from plum_lsp.feedback.kept_out import exclusions
from plum_lsp.sandbox.host import SandboxOptions
from plum_lsp.sandbox.opening import open_sandbox
from plum_trainer.data.gold import gold_prompts
from plum_trainer.gate.decision import decide, decision_of
from plum_trainer.gate.evaluate import judged_samples
from plum_trainer.gate.measures import Sample, measured

ADD = {"task_id": "add", "prompt": 'def add(a, b):\n    """The sum."""\n', "tests": "assert add(1, 2) == 3"}
MIDDLE = {
    "task_id": "mul",
    "prompt": "def mul(a, b):\n    total = ",
    "suffix": "\n    return total\n",
    "tests": "assert mul(2, 3) == 6",
}


def write(folder: Path, *rows: object) -> Path:
    """A file of such rows."""
    path = folder / "rows.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def sample(prompt: str, passes: bool, *, is_benchmark: bool) -> Sample:
    """A sample that ended."""
    return Sample(
        prompt_id=prompt,
        function=prompt,
        text="return 1",
        ends=True,
        passes=passes,
        decides=True,
        is_benchmark=is_benchmark,
    )


def test_rows_become_prompts_of_the_base(tmp_path: Path) -> None:
    """With its sentinels where it has some, and with the row's own tests."""
    template = FimTemplate(prefix="<P>", suffix="<S>", middle="<M>", stop=("<E>",))
    plain, middle = gold_prompts(write(tmp_path, ADD, MIDDLE), None)
    assert (plain.id, plain.tests, plain.after) == ("benchmark:add", ADD["tests"], "")
    assert plain.prompt.startswith("def add(a, b):")
    assert middle.before == MIDDLE["prompt"]
    with_sentinels = gold_prompts(tmp_path / "rows.jsonl", template)[1]
    assert with_sentinels.prompt.startswith("<P>") and "<S>\n    return total" in with_sentinels.prompt


@pytest.mark.parametrize(
    "row", [[], {"task_id": "a"}, {**ADD, "tests": " "}, {**ADD, "prompt": 3}], ids=["list", "parts", "tests", "type"]
)
def test_a_line_that_is_no_row_is_told_with_its_number(tmp_path: Path, row: object) -> None:
    """Before anything is sampled."""
    with pytest.raises(ConfigError, match=r"gate\.benchmark: line 2"):
        gold_prompts(write(tmp_path, ADD, row), None)
    with pytest.raises(ConfigError, match="No such file"):
        gold_prompts(tmp_path / "nothing.jsonl", None)


@pytest.mark.slow
async def test_samples_are_judged_by_the_tests_of_their_row(tmp_path: Path) -> None:
    """In the sandbox; a text that was cut off passes nothing, and held-out measures do not count these."""
    prompts = gold_prompts(write(tmp_path, ADD, MIDDLE), None)
    texts = [
        ("add", "    return a + b\n", "cut"),
        ("add", "    return a - b\n", "cut"),
        ("add", "    return a +", "length"),
    ]
    texts += [("mul", "a * b", "cut")]
    samples = tmp_path / "samples.jsonl"
    samples.write_text(
        "".join(
            json.dumps({"id": f"benchmark:{task}", "index": place, "text": text, "finish": finish, "decides": True})
            + "\n"
            for place, (task, text, finish) in enumerate(texts)
        )
    )
    sandbox = await open_sandbox(SandboxOptions())
    try:
        found = await judged_samples(prompts, samples, sandbox, limits=Limits())
    finally:
        await sandbox.close()
    assert found.benchmark_by_task == {"benchmark:add": pytest.approx(1 / 3), "benchmark:mul": 1.0}
    assert found.pass_by_function == {}


def test_the_gate_refuses_who_forgets_the_benchmark() -> None:
    """However much better it is on held-out prompts; without rows there is nothing to forget."""
    before = measured([sample(f"p{n}", n % 2 == 0, is_benchmark=False) for n in range(20)])
    after = measured([sample(f"p{n}", True, is_benchmark=False) for n in range(20)])
    rows = {f"b{n}": 1.0 for n in range(10)}
    assert decide(before, after, before, GateSettings(), look=1, seed=1).is_promoted
    before = dataclasses.replace(before, benchmark_by_task=rows)
    kept = dataclasses.replace(after, benchmark_by_task=rows)
    lost = dataclasses.replace(after, benchmark_by_task={**rows, "b0": 0.0})
    decision = decide(before, kept, before, GateSettings(), look=1, seed=1)
    assert decision.is_promoted
    assert decision.report.benchmark is not None
    assert decision.report.benchmark.rows == 10
    assert decision.report.champion["benchmark_pass_at_1"] == 1.0
    assert decision_of(json.loads(json.dumps(decision.as_json()))) == decision
    assert decide(before, lost, before, GateSettings(), look=1, seed=1).reasons == (
        "pass@1 on the benchmark rows fell by 0.100",
    )


def test_what_judges_is_not_trained_on(tmp_path: Path) -> None:
    """The rows of the gate are kept out of the pairs without being named twice."""
    settings = tiny_settings(tmp_path, tmp_path)
    assert exclusions(settings) is None
    row = {**ADD, "prompt": 'def add_them_all(a, b):\n    """The sum of both."""\n'}
    gate = dataclasses.replace(settings.gate, benchmark=str(write(tmp_path, row)))
    kept_out = exclusions(dataclasses.replace(settings, gate=gate))
    assert kept_out is not None and kept_out.holds(row["prompt"])
