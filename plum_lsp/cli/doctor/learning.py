"""The doctor's finding about training: whether its packages are there, and whether the user paused it."""

from __future__ import annotations

from importlib.util import find_spec

from plum_lsp.cli.doctor.finding import Finding, State
from plum_lsp.config import Settings, data_dir
from plum_lsp.config.folder import paused_file

PACKAGES = ("torch", "transformers", "peft", "accelerate")
"""What a training round needs, as in `plum_trainer.fit.packages`. To import them takes seconds: they are looked for."""


async def check_training(settings: Settings) -> Finding:
    """Training is no part of suggestions: what it lacks is said, and is no failure."""
    part = "training"
    missing = [name for name in PACKAGES if find_spec(name) is None]
    if missing:
        detail = f"plum-trainer cannot train here ({', '.join(missing)} not installed). Suggestions do not need it"
        return Finding(part=part, state=State.OK, detail=detail, remedy="To train, run: pip install 'plum-lsp[train]'")
    if paused_file(data_dir(settings)).exists():
        return Finding(part=part, state=State.OK, detail="paused", remedy="To go on, run: plum-trainer resume")
    return Finding(part=part, state=State.OK, detail="its packages are installed")
