"""Figures, one file each: a function that takes plain numbers and draws them on a matplotlib `Axes`.

`panel` puts them on paper (`simemb plot`) or into a page (`simemb report`); `style` says how all of them look.
"""
