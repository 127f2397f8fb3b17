"""Writes the files of data/sample anew: `python -m simemb.data.sample_grammar`, in a checkout."""

from .files import write

if __name__ == "__main__":
    write()
