"""Real Neovim in a terminal, with the plug-in as its users install it."""

from __future__ import annotations

import html
import json
import os
import re
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

import pyte
import pytest

from support import editor_parts
from support.browser import take_picture
from support.editing import ARTIFACTS, PLUM_LSP, until
from support.terminal import Terminal, coloured

PLUGIN = Path(__file__).parents[2] / "editor-clients" / "neovim"
LUA_SECONDS_MAX = 90.0
"""Longer than the longest program takes by its own limit: the doctor in `:checkhealth`, a minute."""
GHOST = "8888aa"
HINT = "8888ab"
"""A colour of its own, so that the counter of alternatives is not taken for text that would be inserted."""
KEYS = {
    "accept": "\x0c",
    "accept_word": "\x06",
    "accept_line": "\x0b",
    "next": "\x0e",
    "previous": "\x10",
    "dismiss": "\x05",
    "trigger": "\x14",
    "explain": "\x02",
    "escape": "\x1b",
    "newline": "\r",
    "backspace": "\x7f",
}

LOOK = """
vim.o.termguicolors, vim.o.laststatus, vim.o.swapfile, vim.o.shada = true, 2, false, ''
vim.o.timeoutlen, vim.o.ttimeoutlen = 0, 0
vim.o.autoindent = true
vim.g.python_indent = { disable_parentheses_indenting = true }
vim.o.statusline = '%t %m%='
"""

INIT = """
vim.opt.runtimepath:append({plugin})
for _, group in ipairs({{ 'PlumGhost', 'ComplHint' }}) do vim.api.nvim_set_hl(0, group, {{ fg = '#{ghost}' }}) end
for _, group in ipairs({{ 'PlumHint', 'ComplHintMore' }}) do vim.api.nvim_set_hl(0, group, {{ fg = '#{hint}' }}) end
local keys = {{
  accept = '<C-l>', ['accept-word'] = '<C-f>', ['accept-line'] = '<C-k>', next = '<C-n>', previous = '<C-p>',
  dismiss = '<C-e>', trigger = '<C-t>', explain = '<C-b>',
}}
for name, key in pairs(keys) do vim.keymap.set('i', key, '<Plug>(plum-' .. name .. ')') end
require('plum').setup({options})
vim.o.statusline = vim.o.statusline .. '%{{get(b:, "plum_status", g:plum_status)}} '
"""


def neovim_command(name: str) -> tuple[list[str], dict[str, str]]:
    """How to start one of the Neovims; where 0.12 cannot be had the test is skipped with the reason."""
    if name == "neovim-0.11":
        return editor_parts.neovim_11(), {}
    try:
        return editor_parts.neovim_12()
    except editor_parts.NotToBeHad as error:
        pytest.skip(str(error))


def run_lua(name: str, program: Path, *arguments: str, home: Path) -> dict[str, int]:
    """Run a program of the client's own tests inside a Neovim without a window; returns what it counted."""
    command, more = neovim_command(name)
    env = {"HOME": str(home), "PATH": "/usr/bin:/bin", "NVIM_LOG_FILE": "/dev/null", **more}
    argv = [*command, "--headless", "-u", "NONE", "-i", "NONE", "-l", str(program), *arguments]
    done = subprocess.run(argv, env=env, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    counted: dict[str, int] = json.loads(done.stderr.strip().splitlines()[-1])
    return counted


class Neovim:
    """One Neovim window."""

    def __init__(
        self,
        name: str,
        command: Sequence[str],
        env: Mapping[str, str],
        *,
        folder: Path,
        options: Mapping[str, object] | None = None,
        arguments: Sequence[str] = (),
        is_plugged: bool = True,
    ) -> None:
        self.name = name
        self._command, self._env, self._folder = list(command), dict(env), folder
        self._socket = folder / "nvim.sock"
        self._seen: set[str] = set()
        self._frames: list[str] = []
        init = folder / "init.lua"
        given = "vim.json.decode([==[" + json.dumps({"cmd": [PLUM_LSP], **(options or {})}) + "]==])"
        text = INIT.format(plugin=json.dumps(str(PLUGIN)), options=given, ghost=GHOST, hint=HINT)
        init.write_text(LOOK + text if is_plugged else LOOK)
        work = folder / "work"
        work.mkdir(exist_ok=True)
        started = [*command, "-u", str(init), "-i", "NONE", "--listen", str(self._socket), *arguments]
        self.terminal = Terminal(started, env=env, cwd=work, rows=20)
        self.terminal.watchers.append(self._watch)
        self.terminal.wait(self._has_started, "Neovim to start")

    def _has_started(self) -> bool:
        """Whether it has read its configuration. Its socket is there before that, and before it answers."""
        return self._socket.exists() and self._evaluated("return vim.v.vim_did_enter").stdout.strip() == "1"

    def _watch(self, screen: pyte.Screen) -> None:
        ghost = "\n".join(coloured(screen, {GHOST}))
        if ghost:
            self._seen.add(ghost.strip())
        if ghost and not screen.cursor.hidden:  # Neovim hides the cursor while it draws a frame.
            self._frames.append(re.sub(r"\n", "", "".join(line.rstrip() for line in screen.display[:8])))

    def open(self, path: Path) -> None:
        """Open a file, go to its end and start to write."""
        self.lua(f"vim.cmd.stopinsert() vim.cmd.edit({json.dumps(str(path))})")
        until(
            lambda: self.lua("return #vim.lsp.get_clients({bufnr = 0})") == "1", lambda: f"a server: {self.messages()}"
        )
        until(lambda: self.mode() == "n", lambda: f"Normal mode, it is {self.mode()!r}")
        # The screen is drawn later than the editor answers, and an earlier offer may have the words of the next one.
        self.terminal.wait(lambda: self._is_drawn(path), f"{path.name} without an offer")
        self.terminal.send("G$A" if path.suffix == ".py" else "i")
        until(lambda: self.mode() == "i", lambda: f"Insert mode, it is {self.mode()!r}")

    def _is_drawn(self, path: Path) -> bool:
        """Whether the status line names the file and no offer is on the screen."""
        return any(line.startswith(path.name) for line in self.terminal.lines) and self.ghost() == ""

    def type(self, text: str) -> None:
        """Press keys."""
        self.terminal.send(text)

    def press(self, action: str) -> None:
        """Press the key of an action."""
        self.terminal.send(KEYS[action])

    def command(self, name: str, argument: str = "") -> None:
        """Run `:Plum NAME`."""
        name = name.replace("_everywhere", "!")
        self.lua(f"vim.cmd({json.dumps(f'Plum {name} {argument}')})")

    def ghost(self) -> str:
        """The ghost text on the screen."""
        return "\n".join(self.terminal.coloured({GHOST})).strip()

    def status(self) -> str:
        """The plug-in's part of the status line."""
        lines = [line for line in self.terminal.lines if "plum " in line]
        return lines[-1][lines[-1].index("plum ") :] if lines else ""

    def evidence(self) -> str:
        """The float's text, as drawn."""
        lines = self.terminal.lines
        tops = [row for row, line in enumerate(lines) if "╭" in line and "plum" in line]
        if not tops:
            return ""
        ends = [row for row, line in enumerate(lines) if "╰" in line and row > tops[0]]
        return "\n".join(lines[tops[0] : ends[0] if ends else None])

    def wait_for_label(self) -> None:
        """Wait for the first label: its sign, its tier and the count of tests."""
        self.terminal.wait(lambda: re.search(r"[✓≈·?] \w+ \d+/\d+", self.terminal.text), "the label of the offer")

    def content(self) -> str:
        """The buffer."""
        return self.lua("return table.concat(vim.api.nvim_buf_get_lines(0, 0, -1, false), '\\n')")

    def save(self) -> None:
        """Write the file."""
        self.lua("vim.cmd('silent write')")

    def seen_ghosts(self) -> set[str]:
        """Every ghost text that was drawn."""
        return set(self._seen)

    def drawn(self, pattern: str) -> list[tuple[str, ...]]:
        """The groups of a pattern in each frame that had ghost text."""
        frames = list(self._frames)
        found = (re.search(pattern, re.sub(r"\s+", " ", str(frame))) for frame in frames)
        return [match.groups() for match in found if match]

    def reload(self) -> None:
        """Neovim reads a changed file when it is asked to look."""
        self.lua("vim.cmd.checktime()")

    def mode(self) -> str:
        """The mode's letter."""
        return self.lua("return vim.api.nvim_get_mode().mode")

    def messages(self) -> str:
        """What Neovim said."""
        return self.lua("return vim.api.nvim_exec2('messages', {output = true}).output")

    def lua(self, program: str) -> str:
        """Run Lua in the editor, by Neovim's own remote control; its value as text."""
        done = self._evaluated(program)
        if done.returncode:
            raise AssertionError(f"{program}: {done.stderr}\n{self.terminal.text}")
        return done.stdout.strip("\n")

    def _evaluated(self, program: str) -> subprocess.CompletedProcess[str]:
        expression = f"luaeval('(function() {program.replace(chr(39), chr(39) * 2)} end)()')"
        asked = [*self._command, "--server", str(self._socket), "--remote-expr", expression]
        env = {**self._env, "NVIM_LOG_FILE": os.devnull}
        return subprocess.run(asked, env=env, capture_output=True, text=True, timeout=LUA_SECONDS_MAX, check=False)

    def screenshot(self, name: str) -> Path:
        """A picture of the screen, drawn by a browser: its colours and letters are those of the terminal's cells."""
        source, path = self._folder / f"{name}.html", ARTIFACTS / f"{self.name}-{name}.png"
        source.write_text(self.terminal.draw(page), encoding="utf-8")
        return take_picture(source, path, profile=self._folder / "profile", width=930, height=430)

    def close(self) -> None:
        """Leave."""
        self.terminal.close()


def page(screen: pyte.Screen) -> str:
    """A terminal's screen as HTML, with its colours."""
    rows = []
    for row in range(screen.lines):
        cells = []
        for column in range(screen.columns):
            cell = screen.buffer[row][column]
            front, back = (_css(cell.fg, "#c8ccd4"), _css(cell.bg, "#14161b"))
            if cell.reverse != (row == screen.cursor.y and column == screen.cursor.x):
                front, back = back, front
            weight = "font-weight:bold;" if cell.bold else ""
            style = f"color:{front};background:{back};{weight}"
            cells.append(f'<span style="{style}">{html.escape(cell.data)}</span>')
        rows.append("".join(cells))
    body = "\n".join(rows)
    font = "font:15px/1.35 'DejaVu Sans Mono',monospace"
    return (
        '<!doctype html><meta charset="utf-8"><body style="margin:0;background:#14161b">'
        f'<pre style="{font};margin:10px;display:inline-block">{body}</pre></body>\n'
    )


_NAMES = {"default": "", "brown": "#b3a35d"}


def _css(colour: str, default: str) -> str:
    name = _NAMES.get(colour, colour)
    if not name:
        return default
    is_hex = len(name) == 6 and all(digit in "0123456789abcdefABCDEF" for digit in name)
    return f"#{name}" if is_hex else name
