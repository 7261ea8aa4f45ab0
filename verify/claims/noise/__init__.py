"""Steps and noise of gradient descent on diagonal nets: where descent ends, and what noise does."""
