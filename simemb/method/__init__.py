"""The nouns of a recipe, its objectives, and the step that turns them into a loss."""
