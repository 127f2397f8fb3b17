"""Which encoder is better, and what its scores rest on."""
