"""`plum-lsp model`: which model is fetched without a name, and which one is recommended."""

from __future__ import annotations

import os
import re

import pytest
from support.command_line import CommandLine

from plum_lsp.config import cache_dir, load_settings
from plum_lsp.domain.errors import ModelError
from plum_lsp.policy.models.catalogue import catalogue, default_entry, find_entry, require


@pytest.mark.parametrize(("chosen", "name"), [("", default_entry().name), ("smollm2-135m-instruct",) * 2])
def test_without_a_name_the_model_of_the_settings_is_fetched(user: CommandLine, chosen: str, name: str) -> None:
    """It is the default if they name none."""
    environ = {"PLUM_POLICY_URL": "", **({"PLUM_POLICY_MODEL": chosen} if chosen else {})}
    with pytest.raises(ModelError, match=f"the model {name} is not on this machine"):
        user.here("model", "fetch", "--offline", environ=environ)


def test_a_machine_without_a_model_is_measured_with_a_loop(user: CommandLine) -> None:
    """It says so, gives each model with its speed or a reason, and how to get the one to take."""
    ran = user.here("model", "recommend", environ={"PLUM_POLICY_URL": ""})
    assert ran.code == 0, ran.said
    assert "Measured with a matrix loop, not with a model" in ran.out
    assert all(name in ran.out for name in catalogue())
    assert "Take " in ran.out
    assert "model fetch " in ran.out


@pytest.mark.model
@pytest.mark.parametrize("name", [default_entry().name, "smollm2-135m-instruct"])
def test_a_machine_with_a_model_is_timed_with_it(user: CommandLine, name: str) -> None:
    """The model writes for some seconds, and its speed stands in its row. No loop takes its place."""
    entry = find_entry(name)
    (user.folder / entry.file).symlink_to(
        require(entry, cache_dir=cache_dir(load_settings(environ=os.environ).settings))
    )
    environ = {"PLUM_POLICY_URL": "", "PLUM_CACHE_DIR": str(user.folder / "cache")}
    ran = user.run("model", "recommend", "--folder", str(user.folder), environ=environ)
    assert ran.code == 0, ran.said
    timed = re.search(rf"Measured with {name}: it writes (\d+) tokens a second", ran.said)
    assert timed is not None, ran.said
    assert int(timed[1]) > 0
    assert re.search(rf"{name} +{timed[1]} ", ran.out)
