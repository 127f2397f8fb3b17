"""An encoder behind HTTP: the protocols that clients speak, and texts that wait together computed together."""
