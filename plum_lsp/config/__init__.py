"""The settings: what they are (`settings`), how a value is read (`values`), how the layers are merged (`loading`)."""

from plum_lsp.config.loading import (
    WORKSPACE_SETTINGS,
    Loaded,
    Source,
    cache_dir,
    data_dir,
    default_config_file,
    environment_name,
    load_settings,
    narrow,
    setting_keys,
)
from plum_lsp.config.settings import (
    GateSettings,
    LearningSettings,
    OfferSettings,
    PolicySettings,
    PrivacySettings,
    SamplingSettings,
    SandboxSettings,
    Settings,
    TrainerSettings,
    VerificationSettings,
)

__all__ = [
    "WORKSPACE_SETTINGS",
    "GateSettings",
    "LearningSettings",
    "Loaded",
    "OfferSettings",
    "PolicySettings",
    "PrivacySettings",
    "SamplingSettings",
    "SandboxSettings",
    "Settings",
    "Source",
    "TrainerSettings",
    "VerificationSettings",
    "cache_dir",
    "data_dir",
    "default_config_file",
    "environment_name",
    "load_settings",
    "narrow",
    "setting_keys",
]
