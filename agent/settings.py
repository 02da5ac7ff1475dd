"""Settings of one process: `KNOCKWISE_*` variables, then `.env`, then defaults."""

from pathlib import Path
from typing import Literal

from platformdirs import user_data_path
from pydantic import BaseModel, ConfigDict, Field
from pydantic_settings import BaseSettings, SettingsConfigDict

from knowledge.cascade import MAX_STEPS, MIN_CONFIDENCE

DEFAULT_ENCODER = "all-MiniLM-L6-v2"


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
    api_key: str = "EMPTY"
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


class CascadeSettings(BaseModel):
    """The propose / verify / commit loop."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    max_rounds: int = Field(default=MAX_STEPS, ge=1, le=20)
    width: int = Field(default=10, ge=1, le=100)
    min_confidence: float = Field(default=MIN_CONFIDENCE, ge=0, le=1)


class Settings(BaseSettings):
    """Where things are and how to answer."""

    model_config = SettingsConfigDict(
        env_prefix="KNOCKWISE_",
        env_nested_delimiter="__",
        env_file=".env",
        extra="forbid",
        frozen=True,
    )

    data: Path = Field(default_factory=lambda: user_data_path("knockwise"))
    runs: Path = Field(default_factory=lambda: user_data_path("knockwise") / "runs")
    encoder: str = DEFAULT_ENCODER
    reasoner: Literal["auto", "evidence", "llm"] = "auto"
    cascade: CascadeSettings = CascadeSettings()
    llm: LLMSettings = LLMSettings()
