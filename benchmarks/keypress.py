"""From a key press to the screen in the real editors, with the plug-in and without it.

    python -m benchmarks.keypress [--keys 400] [--rounds 6] [--editors neovim-0.11 neovim-0.12 vscode]

The same keys go into two windows of an editor in turns, one with the plug-in and a server that is busy completing, one
without; the order alternates between rounds, so what else the machine does falls on both. What is measured ends when
the typed character is on the screen: in the terminal's cells, or in a frame of the browser. Printed are the medians and
their ratio, with a 95 % interval over the rounds.
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
from support.editing import Address, server_environment
from support.neovim import Neovim
from support.vscode import Host, VSCode

HEAD = "number = 1"
DIGITS = "123456789"
PAUSE_SECONDS = (0.03, 0.18)
"""Between keys: from a fast typist's to a slow one's."""
RESAMPLES = 2000
KEYS_PER_LINE = 40
"""A line that scrolls is another thing to measure."""
Press = Callable[[str], float]
"""Presses one key and returns the milliseconds until it is on the screen."""


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--keys", type=int, default=400)
    parser.add_argument("--rounds", type=int, default=6)
    parser.add_argument("--editors", nargs="+", default=["neovim-0.11", "neovim-0.12", "vscode"])
    options = parser.parse_args()
    print(f"{'editor':<12} {'without':>9} {'with':>9} {'ratio':>7}   95 % interval   keys")
    for name in options.editors:
        with ExitStack() as opened:
            without, with_plugin = opened.enter_context(windows(name))
            report(name, *measure(without, with_plugin, keys=options.keys, rounds=options.rounds))


def measure(without: Press, with_plugin: Press, *, keys: int, rounds: int) -> tuple[list[list[float]], ...]:
    """The times of each round: without, with."""
    source = random.Random(1)
    times: tuple[list[list[float]], ...] = ([], [])
    for press in (without, with_plugin):
        for _ in range(10):
            press(source.choice(DIGITS))
    for number in range(rounds):
        sides = [(times[0], without), (times[1], with_plugin)]
        for kept, press in sides if number % 2 == 0 else sides[::-1]:
            kept.append([])
            for _ in range(keys // rounds):
                time.sleep(source.uniform(*PAUSE_SECONDS))
                kept[-1].append(press(source.choice(DIGITS)))
    return times


def report(name: str, without: list[list[float]], with_plugin: list[list[float]]) -> None:
    """One line of the table."""

    def median(rounds: list[list[float]]) -> float:
        return statistics.median(time_ms for one in rounds for time_ms in one)

    source = random.Random(2)
    ratios = []
    for _ in range(RESAMPLES):
        picked = [source.randrange(len(without)) for _ in without]
        ratios.append(median([with_plugin[index] for index in picked]) / median([without[index] for index in picked]))
    ratios.sort()
    low, high = ratios[int(0.025 * RESAMPLES)], ratios[int(0.975 * RESAMPLES)]
    off, on = median(without), median(with_plugin)
    count = sum(map(len, without))
    print(f"{name:<12} {off:>6.2f} ms {on:>6.2f} ms {on / off:>7.3f}   {low:.3f} to {high:.3f}  {count}", flush=True)


@contextmanager
def windows(name: str) -> Iterator[tuple[Press, Press]]:
    """Two windows of an editor: without the plug-in and with it."""
    with ExitStack() as opened:
        folder = Path(opened.enter_context(tempfile.TemporaryDirectory()))
        policy = opened.enter_context(policy_of_its_own(folder))
        pair = []
        for is_plugged in (False, True):
            side = folder / f"{is_plugged}"
            (side / "work").mkdir(parents=True)
            make = vscode_window if name == "vscode" else neovim_window
            pair.append(make(name, side, policy, is_plugged, opened))
        yield pair[0], pair[1]


@contextmanager
def policy_of_its_own(folder: Path) -> Iterator[Address]:
    """A policy server in a process of its own, so that its work does not delay what measures."""
    script = folder / "script.json"
    script.write_text(json.dumps([{"text": " + 1000\n", "delay_s": 0.05}]))
    command = [sys.executable, "-m", "support.scripted_policy", "--script", str(script)]
    tests = Path(__file__).resolve().parent.parent / "tests"
    with subprocess.Popen(command, cwd=tests, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        told = json.loads(process.stdout.readline())
        yield Address(url=told["url"], api_key=told["api_key"])
        process.terminate()


def neovim_window(name: str, folder: Path, policy: Address, is_plugged: bool, opened: ExitStack) -> Press:
    """One Neovim in a terminal."""
    command, env = (editor_parts.neovim_11(), {}) if name == "neovim-0.11" else editor_parts.neovim_12()
    env = {**server_environment(folder, policy), **env}
    editor = Neovim(name, command, env, folder=folder, is_plugged=is_plugged)
    opened.callback(editor.close)
    path = folder / "work" / "module.py"
    path.write_text(HEAD)
    editor.lua(f"vim.cmd.edit('{path}') vim.o.showcmd, vim.o.ruler = false, false")
    if is_plugged:
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


def vscode_window(name: str, folder: Path, policy: Address, is_plugged: bool, opened: ExitStack) -> Press:
    """One VS Code in a browser of its own."""
    server_environment(folder, policy)
    host = Host(editor_parts.vscode(), folder, is_plugged=is_plugged)
    opened.callback(host.close)
    editor = VSCode(host, is_plugged=is_plugged)
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
        return editor.press_timed(key)

    return press


if __name__ == "__main__":
    main()
