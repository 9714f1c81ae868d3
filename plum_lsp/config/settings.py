"""What can be set, the defaults, and the values allowed. Reading and merging the layers is `loading`."""

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
    """Proxy for `url`. Empty means the usual environment variables."""
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
    """How a group is sampled. Temperatures beyond the first are spread up to `temperature_max`."""

    candidates: int = 5
    temperature_min: float = 0.2
    temperature_max: float = 1.0
    top_p: float = 0.95
    max_tokens: int = 320
    seed: int = 0
    explores: bool = False
    """Let the trainer raise the temperature of some candidates of a group where samples become alike."""
    prefix_tokens: int = 1200
    suffix_tokens: int = 300
    neighbour_tokens: int = 400
    """The part of `prefix_tokens`, at most half, that other files of the project may use in a prompt. 0 shows none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OfferSettings:
    """What is offered and by when. `stop_early` ends a request at its first verified candidate."""

    tiers: tuple[Tier, ...] = (Tier.VERIFIED, Tier.CONSISTENT, Tier.CHECKED)
    deadline_ms: int = 120_000
    stop_early: bool = True
    probability_min: float = 0.1
    """Offers below this chance of being accepted are held back while the user types. 0 shows everything. See
    `showing`."""
    logprob_min: float = -2.5


@dataclass(frozen=True, slots=True, kw_only=True)
class VerificationSettings:
    """Where tests come from beside the buffer. `sampled_tests`: `auto` asks a policy server on another machine only,
    because one on this machine would write the tests with what the candidates need.
    """

    project_tests: bool = True
    test_map: bool = True
    sampled_tests: str = "auto"


@dataclass(frozen=True, slots=True, kw_only=True)
class SandboxSettings:
    """The jail. `interpreter` empty means that of `project`'s environment, else the one that runs the server.

    0 jobs chooses by the cores.
    """

    interpreter: str = ""
    project: str = ""
    jobs: int = 0
    wall_seconds: float = 2.0
    memory_mb: int = 512


@dataclass(frozen=True, slots=True, kw_only=True)
class PrivacySettings:
    """`exclude` holds glob patterns of paths that are never read, sent or stored. `paused` stops everything."""

    exclude: tuple[str, ...] = ("**/.env", "**/.env.*", "**/*secret*", "**/*credential*", "**/.git/**")
    paused: bool = False
    redact_prompts: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class MetricsSettings:
    """The port of `/metrics` on the loopback address. 0 means no metrics."""

    port: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class LearningSettings:
    """What is learned from: which facts become pairs and labels, and which of those are trained on."""

    quality_pairs: bool = False
    synthesized_negatives: bool = True
    """Whether a candidate without a specification is wrong if it is nearly certainly wrong beside a likely one."""
    rows_min: int = 32
    functions_min: int = 10
    """Fewer rows, or rows of fewer functions, are not trained on."""
    exclude_tasks: str = ""
    """A file of benchmark rows that must not be trained on."""
    staleness_max: int = 0
    user_share: float = 0.25
    replay_file: str = ""
    replay_share: float = 0.2
    held_out_share: float = 0.2
    imbalance_max: float = 4.0
    stores: tuple[str, ...] = ()
    """Stores of other people, and folders of `plum-lsp share`."""
    author_share: float = 0.25
    """The largest share of one person's rows, where there are several people."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainerSettings:
    """How `plum-trainer` fits an adapter and when. docs/training.md gives each default's reason."""

    base: str = ""
    """Hugging Face folder of the base model. Empty means that it is converted from the served model's GGUF file."""
    method: str = "kto"
    loss: str = "sigmoid"
    beta: float = 0.1
    sft_weight: float = 0.2
    label_smoothing: float = 0.1
    learning_rate: float = 2e-5
    epochs: int = 1
    batch_size: int = 8
    accumulation: int = 1
    lora_rank: int = 16
    lora_alpha: int = 32
    max_length: int = 2048
    seed: int = 0
    threads: int = 0
    checkpoint_steps: int = 20
    gradient_checkpointing: bool = False
    precision: str = "float32"
    accelerate: tuple[str, ...] = ()
    fresh_min: int = 400
    every_hours: float = 24.0
    hours: str = ""
    idle_load_max: float = 0.5
    gpu: str = "separate"


@dataclass(frozen=True, slots=True, kw_only=True)
class GateSettings:
    """What a challenger must show, and what takes it back."""

    samples: int = 8
    """Of each held-out prompt: so many at the editor's temperatures, and as many at `temperature`."""
    temperature: float = 0.2
    functions_min: int = 10
    prompts_max: int = 120
    """The most held-out prompts that are sampled. Every function keeps one before any keeps a second one."""
    confidence: float = 0.95
    gain_min: float = 0.0
    ending_drop_max: float = 0.05
    length_drift_max: float = 0.3
    duplication_rise_max: float = 0.1
    diversity_drop_max: float = 0.25
    reach_drop_max: float = 0.05
    """Most that pass@n on the editor's temperatures may fall."""
    kl_max: float = 0.5
    watch_offers_min: int = 40
    watch_hours_max: float = 168.0
    watch_confidence: float = 0.95
    latency_ratio_max: float = 1.5
    benchmark: str = ""
    """A file of benchmark rows on which champion and challenger are also compared. These rows are never trained on."""
    benchmark_drop_max: float = 0.05
    canary_share: float = 1.0
    """Share of requests that a new version answers while it is watched. 1.0 means all."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Every setting. Empty directories mean the platform's own (platformdirs)."""

    policy: PolicySettings = field(default_factory=PolicySettings)
    sampling: SamplingSettings = field(default_factory=SamplingSettings)
    offers: OfferSettings = field(default_factory=OfferSettings)
    verification: VerificationSettings = field(default_factory=VerificationSettings)
    sandbox: SandboxSettings = field(default_factory=SandboxSettings)
    privacy: PrivacySettings = field(default_factory=PrivacySettings)
    metrics: MetricsSettings = field(default_factory=MetricsSettings)
    learning: LearningSettings = field(default_factory=LearningSettings)
    trainer: TrainerSettings = field(default_factory=TrainerSettings)
    gate: GateSettings = field(default_factory=GateSettings)
    data_dir: str = ""
    cache_dir: str = ""


RANGES: dict[str, tuple[float, float]] = {
    "policy.threads": (0, 256),
    "policy.context_tokens": (256, 1_048_576),
    "policy.idle_seconds": (0.1, 604_800.0),
    "sampling.candidates": (1, 64),
    "sampling.temperature_min": (0.0, 2.0),
    "sampling.temperature_max": (0.0, 2.0),
    "sampling.top_p": (0.01, 1.0),
    "sampling.max_tokens": (1, 8192),
    "sampling.seed": (0, 2**31 - 1),
    "sampling.prefix_tokens": (16, 1_048_576),
    "sampling.suffix_tokens": (0, 1_048_576),
    "sampling.neighbour_tokens": (0, 1_048_576),
    "offers.deadline_ms": (50, 600_000),
    "offers.probability_min": (0.0, 1.0),
    "offers.logprob_min": (-100.0, 0.0),
    "sandbox.jobs": (0, 256),
    "sandbox.wall_seconds": (0.05, 60.0),
    "sandbox.memory_mb": (64, 65_536),
    "metrics.port": (0, 65535),
    "learning.rows_min": (1, 1_000_000),
    "learning.functions_min": (1, 1_000_000),
    "learning.staleness_max": (0, 1000),
    "learning.user_share": (0.0, 1.0),
    "learning.replay_share": (0.0, 0.9),
    "learning.held_out_share": (0.0, 0.9),
    "learning.imbalance_max": (1.0, 100.0),
    "learning.author_share": (0.0, 1.0),
    "trainer.beta": (0.001, 10.0),
    "trainer.sft_weight": (0.0, 10.0),
    "trainer.label_smoothing": (0.0, 0.49),
    "trainer.learning_rate": (1e-08, 0.1),
    "trainer.epochs": (1, 100),
    "trainer.batch_size": (2, 1024),
    "trainer.accumulation": (1, 1024),
    "trainer.lora_rank": (1, 256),
    "trainer.lora_alpha": (1, 1024),
    "trainer.max_length": (64, 1_048_576),
    "trainer.seed": (0, 2**31 - 1),
    "trainer.threads": (0, 256),
    "trainer.checkpoint_steps": (1, 100_000),
    "trainer.fresh_min": (1, 1_000_000),
    "trainer.every_hours": (0.0, 8760.0),
    "trainer.idle_load_max": (0.01, 64.0),
    "gate.samples": (1, 256),
    "gate.temperature": (0.0, 2.0),
    "gate.functions_min": (1, 100_000),
    "gate.prompts_max": (1, 100_000),
    "gate.confidence": (0.5, 0.9999),
    "gate.gain_min": (-1.0, 1.0),
    "gate.ending_drop_max": (0.0, 1.0),
    "gate.length_drift_max": (0.0, 10.0),
    "gate.duplication_rise_max": (0.0, 1.0),
    "gate.diversity_drop_max": (0.0, 1.0),
    "gate.reach_drop_max": (0.0, 1.0),
    "gate.kl_max": (0.0, 100.0),
    "gate.watch_offers_min": (1, 1_000_000),
    "gate.watch_hours_max": (0.1, 8760.0),
    "gate.watch_confidence": (0.5, 0.9999),
    "gate.latency_ratio_max": (1.0, 100.0),
    "gate.benchmark_drop_max": (0.0, 1.0),
    "gate.canary_share": (0.01, 1.0),
}
"""Least and greatest value of every number, both allowed. A test compares the keys with the dataclasses."""

CHOICES: dict[str, tuple[str, ...]] = {
    "trainer.method": ("kto", "dpo", "sft"),
    "trainer.loss": ("sigmoid", "ipo", "robust"),
    "trainer.gpu": ("separate", "sleep"),
    "trainer.precision": ("float32", "bfloat16"),
    "verification.sampled_tests": ("auto", "always", "never"),
}
"""The words a setting may be."""
