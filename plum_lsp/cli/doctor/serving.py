"""The doctor's findings about the model's file and the server that answers. Asks for a real completion."""

from __future__ import annotations

import asyncio
from dataclasses import replace

from plum_lsp.cli.doctor.finding import Finding, State
from plum_lsp.config import Settings
from plum_lsp.domain.errors import PolicyOutOfMemory, PolicyUnavailable
from plum_lsp.files.pages import page
from plum_lsp.policy.hosting.opening import open_policy
from plum_lsp.policy.hosting.options import policy_options
from plum_lsp.policy.hosting.sources import find_model
from plum_lsp.policy.hosting.trial import Trial, try_out
from plum_lsp.policy.models.catalogue import cached_path, catalogue, damage, default_entry, locate
from plum_lsp.report.discretion import discreet

READY_SECONDS_MAX = 120.0
"""The embedded server reads half a gigabyte at its first start. A server by URL should answer far sooner."""
_SERVER = "policy server"


async def check_model(settings: Settings) -> Finding:
    """Whether the model's file is there and intact. A server by URL has its own."""
    options = policy_options(settings)
    if options.url:
        detail = f"no model is needed here: {discreet(options.url)} has its own"
        return Finding(part="model", state=State.OK, detail=detail)
    if (damaged := await asyncio.to_thread(_damaged, settings)) is not None:
        return damaged
    model = await asyncio.to_thread(find_model, options.model, cache_dir=options.cache_dir, folder=options.model_folder)
    if model.entry is None:
        detail = f"your own, {model.path}. Whether it can be loaded is said under {_SERVER}"
        return Finding(part="model", state=State.OK, detail=detail)
    return Finding(part="model", state=State.OK, detail=f"{model.entry.name} at {model.path}, hash right")


def _damaged(settings: Settings) -> Finding | None:
    """A file of the catalogue in the cache that is not what it should be."""
    options = policy_options(settings)
    entry, folder = catalogue().get(options.model), options.cache_dir
    path = cached_path(entry, folder) if entry is not None else None
    if entry is None or path is None or not path.is_file():
        return None
    if locate(entry, cache_dir=folder, folder=options.model_folder) is not None:
        return None
    problem = damage(path, entry, cache_dir=folder)
    remedy = f"Run: plum-lsp model fetch {entry.name}"
    return Finding(part="model", state=State.FAILED, detail=f"{path}: {problem}", remedy=remedy) if problem else None


async def check_policy(settings: Settings) -> Finding:
    """Whether a completion can be had, and how the server has to be asked for it."""
    options = policy_options(settings)
    policy = open_policy(options)
    try:
        async with asyncio.timeout(READY_SECONDS_MAX):
            trial = await try_out(policy, seconds=READY_SECONDS_MAX)
    except TimeoutError:
        detail = f"no answer within {READY_SECONDS_MAX:.0f} s"
        return Finding(part=_SERVER, state=State.FAILED, detail=detail, remedy="Is the machine very busy?")
    except PolicyUnavailable as error:
        if options.url or isinstance(error, PolicyOutOfMemory) or options.model in catalogue():
            raise
        name = default_entry().name
        remedy = (
            f"{error.remedy} It may be damaged or of a kind that llama.cpp does not know. Copy it again, or set "
            f"policy.model to {name} and run: plum-lsp model fetch {name}"
        )
        return Finding(part=_SERVER, state=State.FAILED, detail=str(error), remedy=remedy)
    finally:
        await policy.close()
    return _answered(settings, trial)


def _answered(settings: Settings, trial: Trial) -> Finding:
    """The finding for a server that gave a completion."""
    where = discreet(settings.policy.url) or "the embedded server"
    kind = f" ({trial.server})" if trial.server else ""
    detail = f"{where}{kind} answers with {trial.version.served_name}, and wrote a line in {trial.milliseconds:.0f} ms"
    found = Finding(part=_SERVER, state=State.OK, detail="; ".join([detail, *trial.habits]))
    if not trial.text.strip():
        remedy = "Look at the server's log. The model may be made for chat alone, or have no fill-in-the-middle."
        detail = f"{where}{kind} answers with {trial.version.served_name}, but its completion is empty"
        return replace(found, state=State.WARNING, detail=detail, remedy=remedy)
    if trial.is_chat:
        remedy = (
            "Suggestions work, but a chat model fills a hole less well and slower. If the server can, let it offer "
            f"/v1/completions, or set policy.url to one that does ({page('servers.md')})."
        )
        return replace(found, state=State.WARNING, remedy=remedy)
    return found
