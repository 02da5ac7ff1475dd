"""The words with which compose.yaml starts vLLM start one here, on the CPU."""

from tests.live.test_ask import ask


def test_the_container_of_vllm_would_answer_the_container_of_knockwise(composed_url, tmp_path):
    answer = ask(tmp_path, "--reasoner", "llm", "--strategy", "direct", "--base-url", composed_url)
    assert "tiny-qwen3" in answer["reasoner"]
    assert answer["tokens"]["completion"] > 0
    assert answer["tokens"]["cached"] > 0  # it keeps beginnings, and says so
