"""Reads the layers of the settings and merges them, later over earlier: defaults, file, environment, editor.

A workspace file may only narrow the settings (`WORKSPACE_SETTINGS`). A project never chooses binaries, endpoints or
sandbox settings. The module creates the two folders on demand. It does not watch files.
"""

from __future__ import annotations

import dataclasses
import difflib
import re
import tomllib
import typing
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TypeAlias

import platformdirs

from plum_lsp.config.patterns import PATTERNS_MAX
from plum_lsp.config.settings import Settings
from plum_lsp.config.values import did_you_mean, read_value
from plum_lsp.domain.errors import ConfigError
from plum_lsp.files.pages import page

Source: TypeAlias = Literal["default", "user file", "environment", "editor"]

_APPLICATION = "plum-lsp"
_FILE_VARIABLE = "PLUM_CONFIG_FILE"
_FILE_BYTES_MAX = 256 * 1024
"""A settings file has a few lines. A project's file is not trusted, so it must not use much memory."""

REMEDY = f"Correct or remove the setting. {page('settings.md')} lists every one."
"""The cure of a wrong setting."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Loaded:
    """The merged settings, what was wrong with the layers, and the layer each value came from."""

    settings: Settings
    problems: tuple[str, ...]
    sources: Mapping[str, Source]


def load_settings(
    *,
    user_file: Path | None = None,
    environ: Mapping[str, str],
    editor: Mapping[str, object] | None = None,
    strict: bool = True,
    is_editor_remote: bool = False,
) -> Loaded:
    """Merge the layers. A wrong value is reported, and the value of the previous layer stays.

    Args:
        user_file: None means `PLUM_CONFIG_FILE`, or else `config.toml` in the platform's folder, which may be absent.
        environ: normally `os.environ`.
        editor: what the editor sent, nested, with or without an outer `plum`. Keys are in snake_case or camelCase.
        strict: whether a mistake in the file or the environment raises (the command line) or is only reported
            (the server, which must come up). The editor's mistakes are only ever reported.
        is_editor_remote: whether the editor came over TCP: it may set `REMOTE_SETTINGS` only.

    Raises:
        ConfigError: `strict`, and the file or the environment is wrong. The message names every mistake.
    """
    problems: list[str] = []
    values: dict[str, object] = {}
    sources: dict[str, Source] = dict.fromkeys(setting_keys(), "default")
    file_entries = list(_file_entries(user_file, environ, problems))
    _merge(file_entries, "user file", values, sources, problems)
    _merge(_environment_entries(environ, problems), "environment", values, sources, problems)
    _check_together(values, sources, problems)
    if problems and strict:
        raise ConfigError("\n".join(problems), remedy=REMEDY)
    if editor is not None:
        before, sources_before = dict(values), dict(sources)
        entries = _editor_entries(editor, problems)
        _merge(_remote(entries, problems) if is_editor_remote else entries, "editor", values, sources, problems)
        _check_together(values, sources, problems, fallback=(before, sources_before))
    return Loaded(settings=_build(values), problems=tuple(problems), sources=sources)


def narrow(settings: Settings, workspace_file: Path) -> tuple[Settings, tuple[str, ...]]:
    """Apply a project's own file. It may pause plum-lsp or exclude more paths. Other keys are reported and ignored."""
    problems: list[str] = []
    privacy = settings.privacy
    entries = _flatten(_read_toml(workspace_file, problems), workspace_file.name, str)
    for key, raw, where in entries:
        value = _parsed(key, raw, where, problems) if key in WORKSPACE_SETTINGS else None
        if key not in WORKSPACE_SETTINGS:
            problems.append(f"{where}: a project may only set {' and '.join(WORKSPACE_SETTINGS)}, so this is ignored")
        elif key == "privacy.exclude" and isinstance(value, tuple):
            if len(value) > PATTERNS_MAX:
                problems.append(f"{where}: more than {PATTERNS_MAX} patterns, so that every file is left alone")
                value = ("*",)
            privacy = dataclasses.replace(privacy, exclude=tuple(dict.fromkeys((*privacy.exclude, *value))))
        elif key == "privacy.paused" and value is False:
            problems.append(f"{where}: ignored, because a project may pause plum-lsp but not resume it")
        elif key == "privacy.paused" and value is True:
            privacy = dataclasses.replace(privacy, paused=True)
    return dataclasses.replace(settings, privacy=privacy), tuple(problems)


WORKSPACE_SETTINGS = ("privacy.paused", "privacy.exclude")
"""What a project's `.plum.toml` may say: only things that make us see or do less."""


REMOTE_SETTINGS = (
    *("sampling.", "offers.", "verification.", "privacy."),
    *("sandbox.jobs", "sandbox.wall_seconds", "sandbox.memory_mb"),
)
"""The settings that an editor may set over TCP, by the beginnings of their keys. None names a program, a file or an
address."""


def data_dir(settings: Settings) -> Path:
    """The folder of the store and the adapters, created for the user's eyes only.

    Raises:
        ConfigError: it cannot be created.
    """
    return _folder("data_dir", settings.data_dir, platformdirs.user_data_path(_APPLICATION))


def cache_dir(settings: Settings) -> Path:
    """The folder of what can be had again, such as model files, created for the user's eyes only.

    Raises:
        ConfigError: it cannot be created.
    """
    return _folder("cache_dir", settings.cache_dir, platformdirs.user_cache_path(_APPLICATION))


def setting_keys() -> tuple[str, ...]:
    """The dotted key of every setting, in the order of the dataclasses."""
    return tuple(_types())


def secret_keys() -> tuple[str, ...]:
    """The dotted keys of the settings that are never shown: their fields have no `repr`."""
    sections = (
        (name, hint) for name, hint in typing.get_type_hints(Settings).items() if dataclasses.is_dataclass(hint)
    )
    return tuple(
        f"{name}.{field.name}" for name, hint in sections for field in dataclasses.fields(hint) if not field.repr
    )


def environment_name(key: str) -> str:
    """The environment variable of a setting: `policy.url` is `PLUM_POLICY_URL`."""
    return "PLUM_" + key.replace(".", "_").upper()


def config_file(environ: Mapping[str, str]) -> Path:
    """The user's file: the one that the environment names, else the usual one. It may be absent."""
    named = environ.get(_FILE_VARIABLE)
    return (Path(named) if named else default_config_file()).expanduser()


def default_config_file() -> Path:
    """Where the user's file is looked for if the environment names none."""
    return platformdirs.user_config_path(_APPLICATION) / "config.toml"


_Entry: TypeAlias = tuple[str, object, str]
"""A dotted key, its raw value and where it stands, for people."""


def _types() -> dict[str, object]:
    """The type of every setting by its dotted key."""
    types: dict[str, object] = {}
    for name, hint in typing.get_type_hints(Settings).items():
        if dataclasses.is_dataclass(hint) and isinstance(hint, type):
            types |= {f"{name}.{inner}": inner_hint for inner, inner_hint in typing.get_type_hints(hint).items()}
        else:
            types[name] = hint
    return types


def _file_entries(user_file: Path | None, environ: Mapping[str, str], problems: list[str]) -> Iterator[_Entry]:
    """The contents of the user's file. A file that was named explicitly must exist."""
    is_named = user_file is not None or bool(environ.get(_FILE_VARIABLE))
    path = user_file.expanduser() if user_file is not None else config_file(environ)
    if is_named and (not path.exists() or path.is_dir()):
        problems.append(f"{path}: no such settings file")
    return _flatten(_read_toml(path, problems), str(path), str)


def _read_toml(path: Path, problems: list[str]) -> Mapping[str, object]:
    """The table of a TOML file. It is empty if the file is missing or cannot be read."""
    if not path.is_file():
        return {}
    try:
        with path.open("rb") as file:
            content = file.read(_FILE_BYTES_MAX + 1)
        if len(content) > _FILE_BYTES_MAX:
            problems.append(f"{path}: larger than {_FILE_BYTES_MAX} bytes, so it is ignored")
            return {}
        return tomllib.loads(content.decode("utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        problems.append(f"{path}: cannot be read: {error}")
        return {}


def _environment_entries(environ: Mapping[str, str], problems: list[str]) -> Iterator[_Entry]:
    """The variables of plum-lsp.

    A PLUM_ name that is almost a known one is reported as a typing error. Others are ignored.
    """
    keys = {environment_name(key): key for key in setting_keys()}
    sections = tuple(f"PLUM_{name.upper()}_" for name in sorted({key.partition(".")[0] for key in setting_keys()}))
    for name, raw in environ.items():
        if name in keys:
            yield keys[name], raw, name
        elif name.startswith("PLUM_") and name != _FILE_VARIABLE:
            close = difflib.get_close_matches(name, keys, n=1, cutoff=0.85)
            if close or name.startswith(sections):
                problems.append(f"{name}: unknown setting{did_you_mean(name, keys)}")


def _editor_entries(editor: Mapping[str, object], problems: list[str]) -> Iterator[_Entry]:
    """What the editor sent. Null means that the user did not set the value."""
    inner = editor.get("plum")
    if set(editor) == {"plum"} and isinstance(inner, Mapping):
        editor = inner
    for key, raw, where in _flatten(editor, "editor", _snake_case):
        if raw is not None:
            yield key, raw, where


def _remote(entries: Iterable[_Entry], problems: list[str]) -> Iterator[_Entry]:
    """Those entries that may come over TCP."""
    for key, raw, where in entries:
        if key.startswith(REMOTE_SETTINGS) or key not in setting_keys():
            yield key, raw, where
        else:
            problems.append(f"{where}: ignored, because an editor that is connected over TCP may not set it")


def _snake_case(name: str) -> str:
    """`deadlineMs` as `deadline_ms`."""
    return re.sub(r"(?<=[a-z0-9])([A-Z])", lambda match: "_" + match[1].lower(), name)


def _flatten(table: Mapping[str, object], origin: str, rename: Callable[[str], str]) -> Iterator[_Entry]:
    """Dotted entries of a nested table. A section that is no table comes out as one entry with an unknown key."""
    for name, value in table.items():
        section = rename(str(name))
        if isinstance(value, Mapping) and section not in setting_keys():
            for inner, inner_value in value.items():
                yield f"{section}.{rename(str(inner))}", inner_value, f"{origin}: {name}.{inner}"
        else:
            yield section, value, f"{origin}: {name}"


def _merge(
    entries: Iterable[_Entry],
    source: Source,
    values: dict[str, object],
    sources: dict[str, Source],
    problems: list[str],
) -> None:
    """Lay one layer over the values."""
    known = setting_keys()
    for key, raw, where in entries:
        if key not in known:
            problems.append(f"{where}: unknown setting{did_you_mean(key, known)}")
            continue
        value = _parsed(key, raw, where, problems)
        if value is not None:
            values[key], sources[key] = value, source


def _parsed(key: str, raw: object, where: str, problems: list[str]) -> object | None:
    """The valid value of a setting, or None with the problem noted."""
    try:
        return read_value(key, raw, _types()[key])
    except ValueError as error:
        problems.append(f"{where}: {error}")
        return None


_TOGETHER: tuple[tuple[tuple[str, ...], Callable[[Settings], bool], str], ...] = (
    (
        ("sampling.temperature_min", "sampling.temperature_max"),
        lambda settings: settings.sampling.temperature_min <= settings.sampling.temperature_max,
        "the least temperature is above the greatest",
    ),
    (
        ("sampling.prefix_tokens", "sampling.suffix_tokens", "sampling.max_tokens", "policy.context_tokens"),
        lambda settings: (
            settings.sampling.prefix_tokens + settings.sampling.suffix_tokens + settings.sampling.max_tokens
            <= settings.policy.context_tokens
        ),
        "prefix, suffix and completion together do not fit the context",
    ),
)
"""Settings that must agree with each other, and what is wrong when they do not."""


def _check_together(
    values: dict[str, object],
    sources: dict[str, Source],
    problems: list[str],
    *,
    fallback: tuple[Mapping[str, object], Mapping[str, Source]] = ({}, {}),
) -> None:
    """Put settings that contradict each other back to what they were before this layer."""
    before, sources_before = fallback
    for keys, agree, message in _TOGETHER:
        if agree(_build(values)):
            continue
        blamed = [f"{key} ({sources[key]})" for key in keys if sources[key] != "default"]
        problems.append(f"{', '.join(blamed)}: {message}")
        for key in keys:
            sources[key] = sources_before.get(key, "default")
            if key in before:
                values[key] = before[key]
            else:
                values.pop(key, None)


def _build(values: Mapping[str, object]) -> Settings:
    """The settings that hold these values and otherwise the defaults."""
    settings = Settings()
    for key, value in values.items():
        section, _, name = key.rpartition(".")
        changed: dict[str, typing.Any] = {name: value}
        if section:
            changed = {section: dataclasses.replace(getattr(settings, section), **changed)}
        settings = dataclasses.replace(settings, **changed)
    return settings


def _folder(key: str, chosen: str, usual: Path) -> Path:
    """The folder, created if necessary. An existing folder keeps its permissions."""
    folder = Path(chosen).expanduser().absolute() if chosen else usual
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise ConfigError(
            f"{folder} cannot be used as {key}: {error.strerror}",
            remedy=f"Set {environment_name(key)} to a folder you can write to.",
        ) from error
    return folder


def data_dir_if_any(settings: Settings) -> Path | None:
    """The data folder. None if there can be none, which the store reports."""
    try:
        return data_dir(settings)
    except ConfigError:
        return None
