"""One training run: its data, loop, checkpoint and directory."""
