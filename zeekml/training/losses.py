"""What a network is trained to make small. Shapes: B sequences, L steps, K classes."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from zeekml.training.captures import IGNORED

#: The share of a piece's suspect connections that speak for it, where only the host is known to be infected.
_SPEAKERS = 0.1


def class_loss(logits: Tensor, label: Tensor, weight: Tensor, smoothing: float, focal: float) -> Tensor:
    """Weighted cross entropy over the counted rows, (B, L, K) against (B, L).

    With ``focal`` g above 0 a row counts ``(1 - p)^g`` of it, p being the probability of its class: what is easy
    teaches little (focal loss: Lin et al. 2017, arXiv 1708.02002).
    """
    each = F.cross_entropy(
        logits.flatten(0, 1),
        label.flatten(),
        ignore_index=IGNORED,
        reduction="none",
        label_smoothing=smoothing,
    )
    if focal:
        said = F.cross_entropy(logits.flatten(0, 1), label.flatten(), ignore_index=IGNORED, reduction="none")
        # p of exactly 1 has no slope below a power of 1.
        each = each * (1 - torch.exp(-said)).clamp(min=1e-6) ** focal
    # Divided by the number of rows, not by the weights: a batch of light rows shall move the network little.
    return (each * weight.flatten()).sum() / (label >= 0).sum().clamp(min=1)


def teacher_loss(logits: Tensor, odds: Tensor, weight: Tensor) -> Tensor:
    """Weighted cross entropy of not Benign against a teacher's log odds (B, L)."""
    each = F.binary_cross_entropy_with_logits(_malicious(logits), odds.sigmoid(), reduction="none")
    return (each * weight).sum() / (weight > 0).sum().clamp(min=1)


def suspect_loss(logits: Tensor, suspect: Tensor) -> Tensor:
    """Cross entropy of sequences that hold something malicious, nobody knows where: ``suspect`` (B, L) rows.

    Several-instance learning: the tenth of a sequence's suspect rows that is most suspicious speaks for it (the mean
    of its log odds), so that the others may stay benign. A sequence is a piece of a host's: one in which the host did
    nothing bad is wrongly asked for something. 0 where no row is suspect.
    """
    count = suspect.sum(dim=1)
    some = count > 0
    if not bool(some.any()):
        return logits.new_zeros(())
    odds = _malicious(logits)[some].masked_fill(~suspect[some], -torch.inf)
    ranked = odds.sort(dim=1, descending=True).values
    speakers = (count[some] * _SPEAKERS).ceil().unsqueeze(1)
    speaks = torch.arange(ranked.shape[1]) < speakers
    pooled = torch.where(speaks, ranked, 0).sum(dim=1) / speakers.squeeze(1)
    return F.softplus(-pooled).mean()


def _malicious(logits: Tensor) -> Tensor:
    """Log odds of not Benign (B, L)."""
    return logits[..., 1:].logsumexp(dim=-1) - logits[..., 0]
