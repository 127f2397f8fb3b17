"""The two models that ship with simemb, and the program that made them.

`mini` is a finished English sentence encoder, `base` the language model that it was made from. Their directories hold
what any model directory holds, and a card. `python -m simemb.bundled` makes both, from texts to cards.
"""
