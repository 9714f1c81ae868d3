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
    OfferSettings,
    PolicySettings,
    PrivacySettings,
    SamplingSettings,
    SandboxSettings,
    Settings,
    VerificationSettings,
)

__all__ = [
    "WORKSPACE_SETTINGS",
    "Loaded",
    "OfferSettings",
    "PolicySettings",
    "PrivacySettings",
    "SamplingSettings",
    "SandboxSettings",
    "Settings",
    "Source",
    "VerificationSettings",
    "cache_dir",
    "data_dir",
    "default_config_file",
    "environment_name",
    "load_settings",
    "narrow",
    "setting_keys",
]
