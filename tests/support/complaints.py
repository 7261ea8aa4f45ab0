"""What a command says on stderr besides its progress."""


def complaints(stderr: str) -> list[str]:
    """Its lines but those of long work, which a busy machine gets to see."""
    return [line for line in stderr.splitlines() if not line.startswith("... ")]
