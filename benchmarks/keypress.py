"""Measures the time from a key press to the screen in real editors, with and without the plug-in.

    python -m benchmarks.keypress [--keys 600] [--rounds 30] [--editors neovim-0.11 neovim-0.12 vscode]

The same keys go into the windows of an editor in turns. One window has the plug-in and a server that is busy
completing. One has no plug-in but otherwise the same configuration. In Neovim, a third one has only a language server
that does no work, which shows the share of Neovim's own bookkeeping. The order changes from round to round and rounds
are short, so that other load on the machine affects all windows. A measurement ends when the typed character is on the
screen: in the terminal's cells, or in a frame of the browser. The script prints the medians and their ratios to the
window without plug-in, with 95 % intervals over the rounds.
"""

from __future__ import annotations

import argparse
import json
import random
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tests"))

from support import editor_parts
from support.code_server import Host
from support.editing import Address, server_environment
from support.neovim import Neovim
from support.vscode import VSCode

HEAD = "number = 1"
DIGITS = "123456789"
PAUSE_SECONDS = (0.03, 0.18)
"""The pauses between keys, from a fast typist's to a slow one's."""
RESAMPLES = 2000
KEYS_PER_LINE = 40
"""The longest line, because a line that scrolls has other costs."""
IDLE_SERVER = "from pygls.lsp.server import LanguageServer; LanguageServer('idle', '0').start_io()"
"""A language server that receives each edit and does no work."""
OFF, IDLE, ON = "without", "idle server", "with"
Press = Callable[[str], float]
"""Presses one key and returns the milliseconds until it is on the screen."""
Times = dict[str, list[list[float]]]
"""The times of each round, by window."""


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--keys", type=int, default=600)
    parser.add_argument("--rounds", type=int, default=30)
    parser.add_argument("--editors", nargs="+", default=["neovim-0.11", "neovim-0.12", "vscode"])
    options = parser.parse_args()
    print(f"{'editor':<12} {'window':<12} {'median':>9} {'ratio':>7}   95 % interval   keys")
    for name in options.editors:
        with windows(name) as presses:
            report(name, measure(presses, keys=options.keys, rounds=options.rounds))


def measure(presses: dict[str, Press], *, keys: int, rounds: int) -> Times:
    """Press as many keys in each window. Each window comes first as often as last."""
    source = random.Random(1)
    times: Times = {name: [] for name in presses}
    for press in presses.values():
        for _ in range(10):
            press(source.choice(DIGITS))
    names = list(presses)
    for number in range(rounds):
        turn = names[number % len(names) :] + names[: number % len(names)]
        for name in turn if number % 2 == 0 else turn[::-1]:
            times[name].append([])
            for _ in range(keys // rounds):
                time.sleep(source.uniform(*PAUSE_SECONDS))
                times[name][-1].append(presses[name](source.choice(DIGITS)))
    return times


def report(editor: str, times: Times) -> None:
    """One line of the table for each window."""

    def median(rounds: list[list[float]]) -> float:
        return statistics.median(time_ms for one in rounds for time_ms in one)

    off = times[OFF]
    source = random.Random(2)
    for name, rounds in times.items():
        ratios = []
        for _ in range(RESAMPLES):
            picked = [source.randrange(len(off)) for _ in off]
            ratios.append(median([rounds[index] for index in picked]) / median([off[index] for index in picked]))
        ratios.sort()
        low, high = ratios[int(0.025 * RESAMPLES)], ratios[int(0.975 * RESAMPLES)]
        ratio, count = median(rounds) / median(off), sum(map(len, rounds))
        print(
            f"{editor:<12} {name:<12} {median(rounds):>6.2f} ms {ratio:>7.3f}   {low:.3f} to {high:.3f}  {count}",
            flush=True,
        )


@contextmanager
def windows(name: str) -> Iterator[dict[str, Press]]:
    """The windows of an editor that are compared."""
    with ExitStack() as opened:
        folder = Path(opened.enter_context(tempfile.TemporaryDirectory()))
        policy = opened.enter_context(policy_of_its_own(folder))
        presses = {}
        for window in (OFF, ON) if name == "vscode" else (OFF, IDLE, ON):
            side = folder / window.replace(" ", "-")
            (side / "work").mkdir(parents=True)
            make = vscode_window if name == "vscode" else neovim_window
            presses[window] = make(name, side, policy, window, opened)
        yield presses


@contextmanager
def policy_of_its_own(folder: Path) -> Iterator[Address]:
    """A policy server in a separate process, so that its work does not delay the measuring process."""
    script = folder / "script.json"
    script.write_text(json.dumps([{"text": " + 1000\n", "delay_s": 0.05}]))
    command = [sys.executable, "-m", "support.scripted_policy", "--script", str(script)]
    tests = Path(__file__).resolve().parent.parent / "tests"
    with subprocess.Popen(command, cwd=tests, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        told = json.loads(process.stdout.readline())
        yield Address(url=told["url"], api_key=told["api_key"])
        process.terminate()


def neovim_window(name: str, folder: Path, policy: Address, window: str, opened: ExitStack) -> Press:
    """One Neovim in a terminal."""
    command, env = (editor_parts.neovim_11(), {}) if name == "neovim-0.11" else editor_parts.neovim_12()
    env = {**server_environment(folder, policy), **env}
    editor = Neovim(name, command, env, folder=folder, is_plugged=window == ON)
    opened.callback(editor.close)
    editor.terminal.watchers.clear()
    path = folder / "work" / "module.py"
    path.write_text(HEAD)
    editor.lua(f"vim.cmd.edit('{path}') vim.o.showcmd, vim.o.ruler = false, false")
    if window == IDLE:
        server = json.dumps([sys.executable, "-c", IDLE_SERVER])
        editor.lua(f"vim.lsp.start({{name = 'idle', cmd = vim.json.decode([==[{server}]==])}})")
    if window == ON:
        editor.open(path)
    else:
        editor.terminal.send("G$A")
    time.sleep(2.0)
    terminal = editor.terminal

    def press(key: str) -> float:
        column, row = terminal.screen.cursor.x, terminal.screen.cursor.y
        if column > 60:
            terminal.send("\x15" + HEAD)
            time.sleep(0.5)
            column = terminal.screen.cursor.x
        started = time.perf_counter()
        terminal.send(key)
        terminal.wait(lambda: terminal.screen.cursor.x > column and terminal.screen.buffer[row][column].data == key)
        return (time.perf_counter() - started) * 1000

    return press


def vscode_window(name: str, folder: Path, policy: Address, window: str, opened: ExitStack) -> Press:
    """One VS Code in its own browser."""
    server_environment(folder, policy)
    host = Host(editor_parts.vscode(), folder, is_plugged=window == ON)
    opened.callback(host.close)
    editor = VSCode(host, is_plugged=window == ON)
    opened.callback(editor.close)
    path = folder / "work" / "module.py"
    path.write_text(HEAD)
    editor.open(path)
    time.sleep(3.0)
    pressed = 0

    def press(key: str) -> float:
        nonlocal pressed
        pressed += 1
        if pressed % KEYS_PER_LINE == 0:
            editor.rewrite_line(HEAD)
            time.sleep(0.5)
        took: float = editor.press_timed(key)
        return took

    return press


if __name__ == "__main__":
    main()
