"""What llama.cpp is, and what it is started with and why."""

from __future__ import annotations

from plum_lsp.policy.hosting.facts import EngineFacts, ModelForm
from plum_lsp.policy.hosting.serving import ServeOptions, Setting, host_reason
from plum_lsp.policy.versions.folders import PublishedVersion

LLAMA_CPP = EngineFacts(
    name="llamacpp",
    title="llama.cpp",
    form=ModelForm.GGUF_FILE,
    package="xllamacpp",
    remedy="Run: pip install 'plum-lsp[local]', or set policy.url (PLUM_POLICY_URL) to a server that runs.",
    child="plum_lsp.policy.hosting.llama.child",
    start_seconds=120.0,
    shares_prompt=False,  # it has one slot: docs/decisions/one-slot.md
    adapter_at_start=True,
    takes_arguments=False,
    can_sleep=False,
)


def llama_settings(options: ServeOptions, *, active: PublishedVersion | None) -> tuple[Setting, ...]:
    """llama.cpp's settings for this product, each with its reason. They are passed in memory, not as arguments."""
    settings = [
        Setting(arguments=(f"model = {options.model}",), reason=f"served as {options.name}"),
        Setting(arguments=(f"address = {options.host}:{options.port}",), reason=host_reason(options.host)),
        Setting(
            arguments=(f"context = {options.context_tokens} tokens",),
            reason="prefix, suffix and completion fit, and more would take memory from the cache",
        ),
        Setting(
            arguments=(f"slots = {options.slots}",),
            reason="requests wait in line and find their prompt read (docs/decisions/one-slot.md)"
            if options.slots == 1
            else "requests are written side by side, each slot with a prompt cache of its own",
        ),
        Setting(
            arguments=(f"threads = {options.threads or 'what is idle'}",),
            reason="as set" if options.threads else "one core is left to the sandbox, and threads do not spin",
        ),
        Setting(
            arguments=(f"adapter rank <= {options.lora_rank}",),
            reason="policy versions are LoRA adapters, each with a process of its own while it is in use",
        ),
    ]
    if active is not None:
        settings.append(Setting(arguments=(f"adapter = {active.name}",), reason="the active version"))
    return tuple(settings)
