"""Early and late phases of gradient flow with weight decay at large initialization."""
