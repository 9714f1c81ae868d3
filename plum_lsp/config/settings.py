"""What can be set, and the defaults. Reading and merging the layers is `loading`."""

from __future__ import annotations

from dataclasses import dataclass, field

from plum_lsp.domain.suggestion import Tier


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicySettings:
    """Which policy answers. `url` empty means the embedded server, which loads `model`.

    `model` is a catalogue name, the path of a GGUF file or Hugging Face directory (empty: the catalogue's first), or
    with `url` the name the server knows the model by (empty: the first it lists).
    """

    url: str = ""
    model: str = ""
    api_key: str = field(default="", repr=False)
    ca_file: str = ""
    """Certificates of a private authority for `url`, in PEM."""
    proxy: str = ""
    """Proxy for `url`; empty: the usual environment variables."""
    model_folder: str = ""
    """A folder of the user's that may hold model files already."""
    offline: bool = False
    threads: int = 0
    """0 chooses by what is idle."""
    context_tokens: int = 4096
    idle_seconds: float = 900.0
    """The embedded server lets go of the model after this long without a request."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SamplingSettings:
    """How a group is sampled; temperatures beyond the first are spread up to `temperature_max`."""

    candidates: int = 5
    temperature_min: float = 0.2
    temperature_max: float = 1.0
    top_p: float = 0.95
    max_tokens: int = 320
    seed: int = 0
    prefix_tokens: int = 1200
    suffix_tokens: int = 300


@dataclass(frozen=True, slots=True, kw_only=True)
class OfferSettings:
    """What is offered and by when. `stop_early` ends a request at its first verified candidate."""

    tiers: tuple[Tier, ...] = (Tier.VERIFIED, Tier.CONSISTENT, Tier.CHECKED)
    deadline_ms: int = 15_000
    stop_early: bool = True
    probability_min: float = 0.1
    """Offers less likely to be taken are kept back while the user types; 0 shows everything. See `showing`."""
    logprob_min: float = -2.5


@dataclass(frozen=True, slots=True, kw_only=True)
class SandboxSettings:
    """The jail. `interpreter` empty means the one that runs the server; 0 jobs chooses by the cores."""

    interpreter: str = ""
    jobs: int = 0
    wall_seconds: float = 2.0
    memory_mb: int = 512


@dataclass(frozen=True, slots=True, kw_only=True)
class PrivacySettings:
    """`exclude` holds glob patterns of paths that are never read, sent or stored; `paused` stops everything."""

    exclude: tuple[str, ...] = ("**/.env", "**/.env.*", "**/*secret*", "**/*credential*", "**/.git/**")
    paused: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Every setting. Empty directories mean the platform's own (platformdirs)."""

    policy: PolicySettings = field(default_factory=PolicySettings)
    sampling: SamplingSettings = field(default_factory=SamplingSettings)
    offers: OfferSettings = field(default_factory=OfferSettings)
    sandbox: SandboxSettings = field(default_factory=SandboxSettings)
    privacy: PrivacySettings = field(default_factory=PrivacySettings)
    data_dir: str = ""
    cache_dir: str = ""
