"""The files that start `plum-trainer run` with the user's session: systemd, launchd, or a Windows task.

Only the systemd unit is installed. The files for launchd and Windows are written, and name the command that installs
them. They have not been run on such machines.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from xml.sax.saxutils import escape

from plum_lsp.domain.children import FOLDER, environment
from plum_trainer.fit.job import TrainerError, write_text

NAME = "plum-trainer"
FOLDERS = frozenset({"XDG_CONFIG_HOME", "XDG_DATA_HOME", "XDG_CACHE_HOME"})
"""Where the settings, the store and the models are if they are not in their usual folders."""
SECRETS = frozenset({"PLUM_POLICY_API_KEY"})

SYSTEMD = """\
[Unit]
Description=Trains the completion policy of plum-lsp on what became of its offers

[Service]
{environment}ExecStart={command} run
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


def contents(kind: str, command: str, settings: Mapping[str, str] | None = None) -> str:
    """The file of one kind of service manager. A Windows task has no place for `settings` (environment variables)."""
    if kind == "systemd":
        lines = [f"Environment={_systemd_quoted(f'{name}={value}')}\n" for name, value in (settings or {}).items()]
        return SYSTEMD.format(command=_systemd_quoted(command).replace("$", "$$"), environment="".join(lines))
    return (LAUNCHD if kind == "launchd" else WINDOWS).format(command=escape(command))


def settings_of(environ: Mapping[str, str]) -> dict[str, str]:
    """The settings in the environment, which a service does not inherit. A key stays out: the file is no secret place.

    What stands in the user's configuration file needs no place in the unit.
    """
    return {name: environ[name] for name in sorted(environ) if _is_setting(name) and "\n" not in environ[name]}


def _is_setting(name: str) -> bool:
    return name in FOLDERS or (name.startswith("PLUM_") and name not in SECRETS)


def command_path() -> str:
    """The installed command, absolute: a service has no PATH of the user's."""
    beside = Path(sys.executable).with_name(NAME)
    found = str(beside) if beside.exists() else shutil.which(NAME)
    if found is None or not Path(found).is_absolute():
        raise TrainerError(f"the command {NAME} is not installed")
    return found


def install(config_home: Path, settings: Mapping[str, str]) -> str:
    """Write the systemd unit, and start it if systemd is there. Returns a description of the steps."""
    path = unit_file(config_home)
    write_text(path, contents("systemd", command_path(), settings))
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
