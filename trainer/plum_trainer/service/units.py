"""The files that start `plum-trainer run` with the user's session: systemd, launchd, or a Windows task.

Only the systemd unit is installed. The files for launchd and Windows are written, and name the command that installs
them. They have not been run on such machines.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path
from xml.sax.saxutils import escape

from plum_lsp.domain.children import FOLDER, environment
from plum_trainer.fit.job import TrainerError, write_text

NAME = "plum-trainer"

SYSTEMD = """\
[Unit]
Description=Trains the completion policy of plum-lsp on what became of its offers
Documentation=man:plum-trainer(1)

[Service]
ExecStart={command} run
Restart=on-failure
RestartSec=60
Nice=15
CPUSchedulingPolicy=idle
IOSchedulingClass=idle
NoNewPrivileges=yes
UMask=0077

[Install]
WantedBy=default.target
"""

LAUNCHD = """\
<?xml version="1.0" encoding="UTF-8"?>
<!DOCTYPE plist PUBLIC "-//Apple//DTD PLIST 1.0//EN" "http://www.apple.com/DTDs/PropertyList-1.0.dtd">
<plist version="1.0">
<dict>
  <key>Label</key><string>plum-trainer</string>
  <key>ProgramArguments</key><array><string>{command}</string><string>run</string></array>
  <key>RunAtLoad</key><true/>
  <key>KeepAlive</key><dict><key>SuccessfulExit</key><false/></dict>
  <key>ProcessType</key><string>Background</string>
  <key>LowPriorityIO</key><true/>
</dict>
</plist>
"""

WINDOWS = """\
<?xml version="1.0" encoding="UTF-16"?>
<Task version="1.2" xmlns="http://schemas.microsoft.com/windows/2004/02/mit/task">
  <Triggers><LogonTrigger><Enabled>true</Enabled></LogonTrigger></Triggers>
  <Settings>
    <MultipleInstancesPolicy>IgnoreNew</MultipleInstancesPolicy>
    <RunOnlyIfIdle>false</RunOnlyIfIdle>
    <ExecutionTimeLimit>PT0S</ExecutionTimeLimit>
    <Priority>9</Priority>
  </Settings>
  <Actions><Exec><Command>{command}</Command><Arguments>run</Arguments></Exec></Actions>
</Task>
"""


def unit_file(config_home: Path) -> Path:
    """Where systemd looks for a user's own units."""
    return config_home / "systemd" / "user" / f"{NAME}.service"


def contents(kind: str, command: str) -> str:
    """The file of one kind of service manager."""
    if kind == "systemd":
        return SYSTEMD.format(command=_systemd_quoted(command))
    return (LAUNCHD if kind == "launchd" else WINDOWS).format(command=escape(command))


def command_path() -> str:
    """The installed command, absolute: a service has no PATH of the user's."""
    beside = Path(sys.executable).with_name(NAME)
    found = str(beside) if beside.exists() else shutil.which(NAME)
    if found is None or not Path(found).is_absolute():
        raise TrainerError(f"the command {NAME} is not installed")
    return found


def install(config_home: Path) -> str:
    """Write the systemd unit, and start it if systemd is there. Returns a description of the steps."""
    path = unit_file(config_home)
    write_text(path, contents("systemd", command_path()))
    if not _systemctl("daemon-reload"):
        return f"wrote {path}, but no systemd session answers here, so it was not started"
    _systemctl("enable", "--now", f"{NAME}.service")
    return f"wrote {path} and started it"


def uninstall(config_home: Path) -> str:
    """Stop the unit and remove it. Returns a description of the steps."""
    path = unit_file(config_home)
    if not path.exists():
        return f"no service is installed at {path}"
    _systemctl("disable", "--now", f"{NAME}.service")
    path.unlink()
    _systemctl("daemon-reload")
    return f"removed {path}"


def _systemctl(*arguments: str) -> bool:
    """Whether systemd did what it was asked."""
    systemctl = shutil.which("systemctl")
    if systemctl is None or not Path(systemctl).is_absolute():
        return False
    command = [systemctl, "--user", *arguments]
    return subprocess.run(command, capture_output=True, check=False, env=environment(), cwd=FOLDER).returncode == 0


def _systemd_quoted(command: str) -> str:
    """A path as one word of ExecStart (systemd.service(5), command lines)."""
    return '"' + command.replace("\\", "\\\\").replace('"', '\\"').replace("%", "%%") + '"'
