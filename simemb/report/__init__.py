"""What people look at: terminal tables, the HTML page, figures, the scores on a model card."""
