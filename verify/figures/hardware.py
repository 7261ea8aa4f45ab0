"""Where torch computes a figure: on the GPU where there is one."""


def device() -> str:
    """The GPU where there is one."""
    import torch

    return "cuda" if torch.cuda.is_available() else "cpu"
