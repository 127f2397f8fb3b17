"""Auxiliary losses: a second task on the same encoder, added to the objective with a weight."""

from simemb.method.auxiliaries.base import Auxiliary, AuxiliaryInput, AuxiliaryLoss, Masked
from simemb.method.auxiliaries.denoising import Denoising, DenoisingLoss
from simemb.method.auxiliaries.masked_lm import MaskedLM, MaskedLMLoss, TokenMask, mask_tokens
from simemb.method.auxiliaries.mutual_information import MutualInformation, MutualInformationLoss
from simemb.method.auxiliaries.replaced_tokens import ReplacedTokenDetection, ReplacedTokenLoss
from simemb.method.auxiliaries.share import Share, shares
from simemb.method.auxiliaries.softmax_nli import SoftmaxNLI, SoftmaxNLILoss

__all__ = [
    "Auxiliary",
    "AuxiliaryInput",
    "AuxiliaryLoss",
    "Denoising",
    "DenoisingLoss",
    "Masked",
    "MaskedLM",
    "MaskedLMLoss",
    "MutualInformation",
    "MutualInformationLoss",
    "ReplacedTokenDetection",
    "ReplacedTokenLoss",
    "Share",
    "SoftmaxNLI",
    "SoftmaxNLILoss",
    "TokenMask",
    "mask_tokens",
    "shares",
]
