"""The loss of a model that says a set of boxes: each object is given to the one box that suits it best.

As in DETR (Carion et al., 2020, arXiv 2005.12872) with its weights; class scores are yes or no per class (focal).
"""

import torch
from torch.nn.functional import binary_cross_entropy_with_logits

from training.tasks.detection.boxes import Boxes, generalised_overlaps

CLASS_WEIGHT, CORNER_WEIGHT, OVERLAP_WEIGHT = 2.0, 5.0, 2.0
ALPHA, GAMMA = 0.25, 2.0


def queries_loss(corners: torch.Tensor, logits: torch.Tensor, side: float, targets: Boxes) -> torch.Tensor:
    """Summed over the batch. Boxes [n, Q, 4], logits [n, Q, classes]; `side`: pixels that a distance is measured in."""
    score, losses = torch.zeros_like(logits), []
    for row in range(len(targets)):
        there = targets.there[row]
        wanted, labels = targets.corners[row][there], targets.labels[row][there]
        chosen, objects = _matched(corners[row].detach(), logits[row].detach(), wanted, labels, side)
        score[row, chosen, labels[objects]] = 1.0
        said, true = corners[row, chosen], wanted[objects]
        losses.append(CORNER_WEIGHT * ((said - true) / side).abs().sum())
        losses.append(OVERLAP_WEIGHT * (1 - generalised_overlaps(said, true)).sum())
    return CLASS_WEIGHT * _focal(logits, score).sum() + torch.stack(losses).sum()


def _matched(
    corners: torch.Tensor, logits: torch.Tensor, wanted: torch.Tensor, labels: torch.Tensor, side: float
) -> tuple[torch.Tensor, torch.Tensor]:
    """Numbers of boxes and of the objects that they are given, the pairing of least cost."""
    from scipy.optimize import linear_sum_assignment  # slow to import, and only this needs it

    classes = logits[:, labels]
    cost = CLASS_WEIGHT * (_focal(classes, torch.ones_like(classes)) - _focal(classes, torch.zeros_like(classes)))
    cost += CORNER_WEIGHT * torch.cdist(corners / side, wanted / side, p=1)
    cost -= OVERLAP_WEIGHT * generalised_overlaps(corners[:, None], wanted[None])
    pairs = linear_sum_assignment(torch.nan_to_num(cost, nan=1e4, posinf=1e4, neginf=-1e4).cpu().numpy())
    chosen, objects = (torch.as_tensor(numbers, device=corners.device) for numbers in pairs)
    return chosen, objects


def _focal(logits: torch.Tensor, score: torch.Tensor) -> torch.Tensor:
    """Focal loss (arXiv 1708.02002), element by element."""
    cross = binary_cross_entropy_with_logits(logits, score, reduction="none")
    right = torch.exp(-cross)
    return (ALPHA * score + (1 - ALPHA) * (1 - score)) * (1 - right) ** GAMMA * cross
