"""Settings of one process: `KNOCKWISE_*` variables, the user's own file, `.env`, then defaults.

What is sent where is the user's to say, by the command line, the environment or the file in their
own configuration folder. A `.env` comes with the folder that one happens to stand in, which may be
somebody else's: it may say where data are, but never name a language model.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

from platformdirs import user_config_path, user_data_path
from pydantic import BaseModel, ConfigDict, Field, field_validator
from pydantic_settings import (
    BaseSettings,
    DotEnvSettingsSource,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
)

from knowledge.cascade import MAX_STEPS, MIN_CONFIDENCE
from knowledge.plugins import plugin_names

REASONERS = ("auto", "evidence", "llm")
DEFAULT_ENCODER = "all-MiniLM-L6-v2"
PREFIX = "KNOCKWISE_"
FOLDER_FILE = Path(".env")
NOT_OF_THE_FOLDER = f"{PREFIX}LLM"


def user_file() -> Path:
    """Return the user's own file of settings; it need not exist."""
    return user_config_path("knockwise") / "settings.env"


def reasoners() -> tuple[str, ...]:
    """Return who can reason: ours, and those that other packages register."""
    return (*REASONERS, *plugin_names("reasoners"))


class LLMSettings(BaseModel):
    """The chat model: any OpenAI-compatible endpoint, never called unless `base_url` is set.

    Attributes:
        base_url: Where it is, for example `http://127.0.0.1:8000/v1`.
        model: Its id there; empty for the one that the server serves.
        api_key: What the server wants to see, if anything.
        timeout_s: How long one reply may take.
        max_retries: How often a failed request is sent again, with growing pauses.
        concurrency: How many requests may be under way at once.
        context_length: Tokens that fit, where the server does not say.
        strategy: How the model is asked; a folder of `agent/strategies`.
        call_budget: How many replies one question may cost.
        thinking: Let a thinking model think before it answers; gpt-oss does so in any case.
        thinking_tokens: Room for its thoughts, on top of that for the answer.
        vllm: Whether the server takes vLLM's own request fields; by default, ask it.
        cache: Keep replies, and take the same question's reply from there.
        cache_file: Where they are kept; by default in the data folder.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    base_url: str = ""
    model: str = ""
    api_key: str = Field(default="EMPTY", repr=False)
    timeout_s: float = Field(default=120.0, gt=0)
    max_retries: int = Field(default=4, ge=0, le=20)
    concurrency: int = Field(default=16, ge=1, le=1024)
    context_length: int = Field(default=8192, ge=256)
    strategy: str = "knockwise"
    call_budget: int = Field(default=64, ge=1)
    thinking: bool = False
    thinking_tokens: int = Field(default=4096, ge=16)
    vllm: bool | None = None
    cache: bool = True
    cache_file: Path | None = None

    @field_validator("base_url", "api_key", "model")
    @classmethod
    def _bare(cls, value: str) -> str:
        """Drop what an editor or `$(cat key)` leaves around a value."""
        return value.strip()


class CascadeSettings(BaseModel):
    """The propose / verify / commit loop."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    max_rounds: int = Field(default=MAX_STEPS, ge=1, le=20)
    width: int = Field(default=10, ge=1, le=100)
    min_confidence: float = Field(default=MIN_CONFIDENCE, ge=0, le=1)


class _OwnKeys(DotEnvSettingsSource):
    """A file of settings in which the keys of other programs stand as well.

    Args:
        settings_cls: The settings.
        env_file: The file.
        without: Beginning of keys that are not taken from it.
    """

    def __init__(
        self, settings_cls: type[BaseSettings], env_file: Path, without: str | None = None
    ) -> None:
        self._without = without.lower() if without else None
        super().__init__(settings_cls, env_file=env_file)

    def _load_env_vars(self) -> Mapping[str, str | None]:
        found = super()._load_env_vars()
        return {
            name: value
            for name, value in found.items()
            if name.lower().startswith(PREFIX.lower())
            and not (self._without and name.lower().startswith(self._without))
        }


class Settings(BaseSettings):
    """Where things are and how to answer."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX,
        env_nested_delimiter="__",
        extra="forbid",
        frozen=True,
    )

    data: Path = Field(default_factory=lambda: user_data_path("knockwise"))
    runs: Path = Field(default_factory=lambda: user_data_path("knockwise") / "runs")
    encoder: str = DEFAULT_ENCODER
    # Screens of one's own (knowledge/own_screens.py): those left out, and whether any count, or
    # those alone that are not private.
    without_screens: tuple[str, ...] = ()
    screens: Literal["all", "public", "none"] = "all"
    # auto, evidence, llm, or one that another package registers (see knowledge/plugins.py)
    reasoner: str = "auto"
    cascade: CascadeSettings = CascadeSettings()
    llm: LLMSettings = LLMSettings()

    @field_validator("reasoner")
    @classmethod
    def _known(cls, value: str) -> str:
        if value not in reasoners():
            raise ValueError(f"choose one of {', '.join(reasoners())}")
        return value

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Return where settings come from, the first one first."""
        return (
            init_settings,
            env_settings,
            _OwnKeys(settings_cls, user_file()),
            _OwnKeys(settings_cls, FOLDER_FILE, NOT_OF_THE_FOLDER),
        )

    def record(self) -> dict[str, Any]:
        """Return the settings as files may keep them: without keys and passwords."""
        from agent.llm.secrets import without_secrets

        kept = self.model_dump(mode="json", exclude={"llm": {"api_key"}})
        kept["llm"]["base_url"] = without_secrets(self.llm.base_url)
        return kept
