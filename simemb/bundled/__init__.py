"""The small encoder that `simemb train` starts from when no model is named."""
