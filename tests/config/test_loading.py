"""How the layers of the settings are read and merged."""

from __future__ import annotations

from pathlib import Path

import pytest

from plum_lsp.config import Loaded, Settings, cache_dir, data_dir, load_settings, setting_keys
from plum_lsp.domain.errors import ConfigError
from plum_lsp.domain.suggestion import Tier

NO_FILE = Path("/dev/null")


def lenient(
    *, toml: str = "", environ: dict[str, str] | None = None, editor: dict[str, object] | None = None, folder: Path
) -> Loaded:
    """Load the layers as the server does, with `toml` as the user's file."""
    file = folder / "config.toml"
    file.write_text(toml)
    return load_settings(user_file=file, environ=environ or {}, editor=editor, strict=False)


def test_without_layers_everything_is_the_default() -> None:
    """No file, no variable, no editor."""
    loaded = load_settings(user_file=NO_FILE, environ={})
    assert (loaded.settings, loaded.problems) == (Settings(), ())
    assert dict(loaded.sources) == dict.fromkeys(setting_keys(), "default")


def test_each_layer_lies_over_the_one_before(tmp_path: Path) -> None:
    """The editor beats the environment, which beats the file; each value knows where it came from."""
    loaded = lenient(
        toml="[sampling]\ncandidates = 2\nseed = 2\nmax_tokens = 2\n",
        environ={"PLUM_SAMPLING_SEED": "3", "PLUM_SAMPLING_MAX_TOKENS": "3"},
        editor={"sampling": {"maxTokens": 4}},
        folder=tmp_path,
    )
    sampling = loaded.settings.sampling
    assert (sampling.candidates, sampling.seed, sampling.max_tokens) == (2, 3, 4)
    assert [loaded.sources[f"sampling.{name}"] for name in ("candidates", "seed", "max_tokens", "top_p")] == [
        "user file",
        "environment",
        "editor",
        "default",
    ]


@pytest.mark.parametrize(
    ("name", "raw", "expected"),
    [
        ("PLUM_POLICY_URL", "http://gpu:8000/v1", "http://gpu:8000/v1"),
        ("PLUM_POLICY_OFFLINE", "Yes", True),
        ("PLUM_OFFERS_STOP_EARLY", "0", False),
        ("PLUM_SANDBOX_WALL_SECONDS", "0.5", 0.5),
        ("PLUM_SANDBOX_JOBS", " 3 ", 3),
        ("PLUM_OFFERS_TIERS", "consistent, verified,", (Tier.VERIFIED, Tier.CONSISTENT)),
        ("PLUM_PRIVACY_EXCLUDE", "*.key,private/**", ("*.key", "private/**")),
        ("PLUM_PRIVACY_EXCLUDE", "", ()),
        ("PLUM_DATA_DIR", "/data", "/data"),
    ],
)
def test_the_environment_spells_every_type(name: str, raw: str, expected: object) -> None:
    """Numbers, truth values and comma-separated lists are read from text."""
    value: object = load_settings(user_file=NO_FILE, environ={name: raw}).settings
    key = next(key for key in setting_keys() if "PLUM_" + key.replace(".", "_").upper() == name)
    for part in key.split("."):
        value = getattr(value, part)
    assert value == expected


@pytest.mark.parametrize(
    ("name", "raw"),
    [
        ("PLUM_SAMPLING_CANDIDATES", "0"),
        ("PLUM_SAMPLING_CANDIDATES", "65"),
        ("PLUM_SAMPLING_CANDIDATES", "2.5"),
        ("PLUM_SAMPLING_CANDIDATES", ""),
        ("PLUM_SAMPLING_TOP_P", "nan"),
        ("PLUM_SANDBOX_WALL_SECONDS", "inf"),
        ("PLUM_OFFERS_DEADLINE_MS", "49"),
        ("PLUM_OFFERS_TIERS", "verified,certain"),
        ("PLUM_OFFERS_TIERS", ""),
        ("PLUM_POLICY_URL", "gpu:8000"),
        ("PLUM_POLICY_URL", "file:///etc/passwd"),
        ("PLUM_POLICY_OFFLINE", "maybe"),
        ("PLUM_PRIVACY_EXCLUDE", "!important"),
        ("PLUM_POLICY_URLL", "http://gpu"),
        ("PLUM_POLCY_URL", "http://gpu"),
        ("PLUM_CONFIG_FILE", "/nowhere/config.toml"),
    ],
)
def test_a_wrong_variable_stops_the_command_line(name: str, raw: str) -> None:
    """The message names the variable; the server is told the same and comes up with the default."""
    user_file = None if name == "PLUM_CONFIG_FILE" else NO_FILE
    with pytest.raises(ConfigError, match=raw if name == "PLUM_CONFIG_FILE" else name):
        load_settings(user_file=user_file, environ={name: raw})
    loaded = load_settings(user_file=user_file, environ={name: raw}, strict=False)
    assert len(loaded.problems) == 1
    assert loaded.settings == Settings()


def test_other_peoples_variables_are_left_alone() -> None:
    """PLUM is a common word: a name that is not close to any of ours is not ours."""
    assert load_settings(user_file=NO_FILE, environ={"PLUM_TREES": "7", "PLUMBING": "x", "HOME": "/"}).problems == ()


@pytest.mark.parametrize(
    "toml",
    [
        "[policy]\nurl = 3\n",
        "[policy]\noffline = 1\n",
        "[sampling]\ncandidates = true\n",
        "[sampling]\ncandidates = 2.5\n",
        "[sampling]\nseed = [1]\n",
        "[offers]\ntiers = [1]\n",
        "[offers]\ntiers = {verified = true}\n",
        "policy = 3\n",
        "[ofers]\ndeadline_ms = 100\n",
        "[offers]\ndedline_ms = 100\n",
        "broken = \n",
        "x = " + "[" * 5000,
        "data_dir = 1979-05-27\n",
    ],
)
def test_a_wrong_file_stops_the_command_line(tmp_path: Path, toml: str) -> None:
    """Wrong types, unknown keys and what is no TOML at all: each is one problem that names the file."""
    loaded = lenient(toml=toml, folder=tmp_path)
    assert len(loaded.problems) == 1
    assert "config.toml" in loaded.problems[0]
    assert loaded.settings == Settings()
    with pytest.raises(ConfigError):
        load_settings(user_file=tmp_path / "config.toml", environ={})


def test_a_slip_gets_a_hint(tmp_path: Path) -> None:
    """The nearest setting is named."""
    loaded = lenient(toml="[offers]\ndedline_ms = 100\n", folder=tmp_path)
    assert "did you mean offers.deadline_ms?" in loaded.problems[0]


def test_every_mistake_is_named_at_once(tmp_path: Path) -> None:
    """Nobody has to run the command once for each mistake."""
    (tmp_path / "config.toml").write_text("[sampling]\nseed = -1\ncandidates = 0\n")
    with pytest.raises(ConfigError) as raised:
        load_settings(user_file=tmp_path / "config.toml", environ={})
    assert "sampling.seed" in str(raised.value)
    assert "sampling.candidates" in str(raised.value)


def test_a_secret_is_never_repeated(tmp_path: Path) -> None:
    """Neither a problem nor the settings' own representation shows the key."""
    loaded = lenient(
        toml='[policy]\napi_key = ["sk-1234"]\n', environ={"PLUM_POLICY_API_KEY": "sk-5678"}, folder=tmp_path
    )
    assert loaded.settings.policy.api_key == "sk-5678"
    assert "sk-" not in repr(loaded)


def test_a_huge_file_is_not_read(tmp_path: Path) -> None:
    """A settings file is a few lines; anything else is a mistake."""
    loaded = lenient(toml="# " + "x" * 300_000, folder=tmp_path)
    assert "larger than" in loaded.problems[0]


def test_a_file_can_be_named(tmp_path: Path) -> None:
    """PLUM_CONFIG_FILE replaces the platform's place."""
    (tmp_path / "other.toml").write_text("[sampling]\ncandidates = 9\n")
    loaded = load_settings(environ={"PLUM_CONFIG_FILE": str(tmp_path / "other.toml")})
    assert loaded.settings.sampling.candidates == 9


@pytest.mark.parametrize("outer", [True, False])
@pytest.mark.parametrize("name", ["deadline_ms", "deadlineMs"])
def test_the_editor_may_nest_and_spell_either_way(outer: bool, name: str) -> None:
    """With or without `plum` around it, in snake_case or camelCase."""
    section: dict[str, object] = {"offers": {name: 900.0}}
    loaded = load_settings(user_file=NO_FILE, environ={}, editor={"plum": section} if outer else section)
    assert loaded.problems == ()
    assert loaded.settings.offers.deadline_ms == 900


def test_the_editors_mistake_keeps_the_previous_layer() -> None:
    """Even under `strict`: an editor must not be able to keep the server from coming up."""
    loaded = load_settings(
        user_file=NO_FILE,
        environ={"PLUM_OFFERS_DEADLINE_MS": "700"},
        editor={"offers": {"deadlineMs": 5, "stopEarly": None}, "sampling": {"topK": 4}},
    )
    assert loaded.settings.offers.deadline_ms == 700
    assert loaded.sources["offers.deadline_ms"] == "environment"
    assert [problem.split(":")[1].strip() for problem in loaded.problems] == ["offers.deadlineMs", "sampling.topK"]


def test_settings_that_contradict_each_other_are_put_back() -> None:
    """The editor's half of a contradiction is undone, the other layers stay."""
    loaded = load_settings(
        user_file=NO_FILE,
        environ={"PLUM_SAMPLING_TEMPERATURE_MIN": "0.5", "PLUM_SAMPLING_TEMPERATURE_MAX": "0.8"},
        editor={"sampling": {"temperatureMin": 0.9}},
    )
    sampling = loaded.settings.sampling
    assert (sampling.temperature_min, sampling.temperature_max) == (0.5, 0.8)
    assert loaded.sources["sampling.temperature_min"] == "environment"
    assert "temperature" in loaded.problems[0]


def test_a_context_too_small_for_its_parts_is_a_mistake() -> None:
    """Prefix, suffix and completion must fit the context."""
    with pytest.raises(ConfigError, match=r"policy\.context_tokens \(environment\)"):
        load_settings(user_file=NO_FILE, environ={"PLUM_POLICY_CONTEXT_TOKENS": "1024"})


def test_the_data_folder_is_the_users_alone(tmp_path: Path) -> None:
    """It is made with its parents and closed to others."""
    settings = Settings(data_dir=str(tmp_path / "a" / "data"), cache_dir=str(tmp_path / "cache"))
    assert data_dir(settings).stat().st_mode & 0o777 == 0o700
    assert cache_dir(settings).is_dir()


def test_a_folder_that_cannot_be_made_is_the_users_mistake(tmp_path: Path) -> None:
    """The remedy names the variable to set."""
    (tmp_path / "file").write_text("")
    with pytest.raises(ConfigError) as raised:
        data_dir(Settings(data_dir=str(tmp_path / "file" / "data")))
    assert "PLUM_DATA_DIR" in raised.value.remedy
