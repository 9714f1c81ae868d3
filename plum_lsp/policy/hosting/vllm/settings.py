"""What vLLM is, and what it is started with and why."""

from __future__ import annotations

import json
from pathlib import Path

from plum_lsp.policy.hosting.facts import EngineFacts, ModelForm
from plum_lsp.policy.hosting.serving import ServeOptions, Setting
from plum_lsp.policy.hosting.vllm import plugin as vllm_plugin
from plum_lsp.policy.versions.folders import PublishedVersion

VLLM = EngineFacts(
    name="vllm",
    title="vLLM",
    form=ModelForm.HUGGING_FACE_FOLDER,
    package="vllm",
    remedy="Run: pip install 'plum-lsp[serve]' (in a checkout without a GPU: make setup-model), or set policy.url "
    "(PLUM_POLICY_URL) to a server that runs.",
    child="plum_lsp.policy.hosting.vllm.child",
    start_seconds=930.0,
    shares_prompt=True,
    adapter_at_start=False,
    takes_arguments=True,
    can_sleep=True,
)

LORA_SLOTS = 2
"""The active version and the one that is being proved. A third version in use would wait for a slot (6.5 s were
measured)."""
LORA_LOADED_MAX = 8
"""Adapters kept in memory. If vLLM drops a version and its folder is gone, the engine ends. Versions are therefore
unloaded before this number is reached."""
CPU_CACHE_GIB = 2
"""Memory for keys and values on a CPU, in GiB. The default of vLLM is 4, half the memory of a laptop."""


def vllm_settings(
    options: ServeOptions, *, has_gpu: bool, active: PublishedVersion | None, previous: PublishedVersion | None = None
) -> tuple[Setting, ...]:
    """vLLM's settings for this product, each with its reason."""
    settings = [
        Setting(arguments=("--model", str(options.model)), reason="the base model"),
        Setting(arguments=("--served-model-name", options.name), reason="the name of the base model in requests"),
        Setting(
            arguments=("--host", options.host, "--port", str(options.port)),
            reason="behind the address of plum-lsp, which asks for a key",
        ),
        Setting(
            arguments=("--max-model-len", str(options.context_tokens)),
            reason="prefix, suffix and completion fit, and more would take memory from the cache",
        ),
        Setting(
            arguments=("--enable-prefix-caching",),
            reason="candidates share their prompt, and the next key stroke shares its beginning",
        ),
        Setting(
            arguments=("--enable-lora", "--max-lora-rank", str(options.lora_rank)),
            reason="policy versions are LoRA adapters of at most this rank",
        ),
        Setting(
            arguments=("--max-loras", str(LORA_SLOTS), "--max-cpu-loras", str(LORA_LOADED_MAX)),
            environment={vllm_plugin.WANTED: "1"},
            reason="a new version is proved while the old one serves, and each answers its own requests only",
        ),
        Setting(
            arguments=(),
            environment={"VLLM_ALLOW_RUNTIME_LORA_UPDATING": "True"},
            reason="versions are loaded without a restart, with a key that may publish",
        ),
    ]
    if active is not None:
        settings.append(
            Setting(
                arguments=("--lora-modules", *(f"{one.name}={one.folder}" for one in (active, previous) if one)),
                reason="the active version, and the one before it during a trial, ready with the server",
            )
        )
    if options.ngram_tokens:
        speculative = {"method": "ngram", "num_speculative_tokens": options.ngram_tokens, "prompt_lookup_max": 4}
        settings.append(
            Setting(
                arguments=("--speculative-config", json.dumps(speculative)),
                reason="code repeats itself: tokens are guessed from the prompt and checked in one step",
            )
        )
    if not has_gpu:
        settings.append(
            Setting(
                arguments=(),
                environment={"VLLM_CPU_KVCACHE_SPACE": str(CPU_CACHE_GIB), "OMP_WAIT_POLICY": "passive"},
                reason="no GPU found: a small cache, and threads that do not spin",
            )
        )
    if options.passed:
        settings.append(Setting(arguments=options.passed, reason="passed on as it is"))
    return tuple(settings)


def vllm_command(settings: tuple[Setting, ...]) -> tuple[list[str], dict[str, str]]:
    """The arguments and the environment of all settings together."""
    arguments = [argument for setting in settings for argument in setting.arguments]
    environment = {key: value for setting in settings for key, value in setting.environment.items()}
    return arguments, environment


def has_gpu() -> bool:
    """Whether the kernel shows a GPU that vLLM runs on (NVIDIA's or AMD's compute devices)."""
    return Path("/dev/nvidia0").exists() or Path("/dev/kfd").exists()
