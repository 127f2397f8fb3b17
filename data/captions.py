"""Captions of photographs as triplets: two of one image, and a similar one of another image."""

from simemb.corpus.sources import Source

captions = Source(
    name="captions",
    description="85,198 triplets of image captions; the negatives are mined, so a few of them are correct captions",
    path="nli/caption_triplets.tsv.gz",
    sha256="1b56a8d0a907a472be3bd410c1b1ed946c53a7a429eb94c2a1843cd93571fba8",
    columns=("anchor", "positive", "negative"),
    license="research and education, non-commercial",
    citation="Flickr30k, Young et al. 2014; Multi30K, Elliott et al. 2016",
)
