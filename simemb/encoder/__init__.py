"""Text to vectors: the encoder, how it is loaded and saved, streaming, whitening."""
