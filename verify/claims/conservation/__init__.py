"""Conservation laws: balance of layers and of neurons, with weight decay and with steps."""
