"""Weight decay on diagonal nets: a start that shrinks."""
