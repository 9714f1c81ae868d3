"""Makes the supervisor of replicas from what the user asked `policy serve` for."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from plum_lsp.config.folder import replicas_file
from plum_lsp.domain.errors import ConfigError
from plum_lsp.policy.hosting.engines import EngineSpec
from plum_lsp.policy.hosting.replicas.addresses import read_addresses
from plum_lsp.policy.hosting.replicas.local import LocalReplicas
from plum_lsp.policy.hosting.replicas.supervisor import ReplicaSupervisor
from plum_lsp.policy.hosting.serving import ServeOptions
from plum_lsp.policy.models.weights import BaseModel
from plum_lsp.policy.versions.folders import VersionStore


def replica_supervisor(
    count: int,
    *,
    spec: EngineSpec,
    model: str,
    options: ServeOptions,
    base: BaseModel,
    store: VersionStore,
    data_dir: Path,
    tell: Callable[[str], None],
    progress: Callable[[str], None],
) -> ReplicaSupervisor:
    """A supervisor of `count` replicas on this machine and of those that the user has added.

    Args:
        model: as the user named it, so that each replica finds the same.

    Raises:
        ConfigError: there would be none.
    """
    if not count and not read_addresses(replicas_file(data_dir)):
        raise ConfigError("there are no replicas", remedy="Run: plum-lsp policy replica add URL")
    path = Path(model).expanduser()
    arguments = ["--engine", spec.facts.name, "--model", str(path.resolve()) if path.exists() else model]
    arguments += ["--context-tokens", str(options.context_tokens), "--lora-rank", str(options.lora_rank)]
    arguments += ["--slots", str(options.slots), "--ngram", str(options.ngram_tokens)]
    local = LocalReplicas(
        count, arguments=arguments, passed=options.passed, data_dir=data_dir, devices=_devices(), tell=tell
    )
    return ReplicaSupervisor(
        options=options,
        base=base,
        store=store,
        data_dir=data_dir,
        engine=spec.facts.name,
        turns=spec.turns(options),
        local=local,
        tell=tell,
        progress=progress,
    )


def _devices() -> int:
    """How many GPUs of NVIDIA the kernel shows."""
    return len(list(Path("/dev").glob("nvidia[0-9]*")))
