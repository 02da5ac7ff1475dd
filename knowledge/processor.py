"""What this machine's processor is fast at."""


def computes_bfloat16() -> bool:
    """Return whether the processor computes in bfloat16; else that is emulated, and slow.

    Without torch, which knows, it is taken to.
    """
    try:
        import torch
    except ModuleNotFoundError:
        return True
    able = torch.cpu.get_capabilities()
    return any(able.get(name) for name in ("avx512_bf16", "amx_bf16", "bf16"))
