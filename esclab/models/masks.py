"""Masks of blocks over a spectrogram: random, on a grid, over the loudest blocks, or with a learned ratio and size.

Source: SpectroMaskNet, "Overview of network architecture" and "Ablation study" (Table 3, Figures 9 and 10).
"""

from __future__ import annotations

import math
import zlib
from typing import Literal, get_args

import torch
import torch.nn.functional as F
from torch import Generator, Tensor, nn

from esclab.errors import OptionError
from esclab.models.lengths import keep_frames
from esclab.models.recording import Gate

Masking = Literal["learned", "random", "grid", "high-energy", "none"]
Start = Literal["random", "given"]
RATIOS = (0.05, 0.95)  # bounds of what is learned, and of what is offered
BLOCKS = (2.0, 20.0)
SOFTNESS = 0.05  # of the learned threshold, in units of the ratio


def mask_random(lengths: Tensor, shape: tuple[int, int], *, block: int, ratio: float, generator: Generator) -> Tensor:
    """Return which cells of each clip stay when each of its blocks is blanked with a fixed probability.

    Parameters
    ----------
    lengths : Tensor of int, shape (clip,)
        Frames of each clip, on the CPU.
    shape : (int, int)
        Frames and bands of the batch.
    block : int
        Frames, and bands, of a block; those at the far edges may be smaller.
    ratio : float
        Probability that a block is blanked.
    generator : Generator
        On the CPU.

    Returns
    -------
    keep : Tensor of float32, shape (clip, 1, frame, band)
        1 where a cell stays, 0 where it is blanked.
    """
    rows, columns = (math.ceil(size / block) for size in shape)
    blanked = torch.rand(len(lengths), rows, columns, generator=generator) < ratio
    return 1.0 - _spread_blocks(blanked.float(), shape, block)


def mask_loudest(features: Tensor, lengths: Tensor, *, block: int, ratio: float) -> Tensor:
    """Return which cells stay when a share of the blocks, those with the highest mean, is blanked.

    Parameters
    ----------
    features : Tensor of shape (clip, 1, frame, band)
        Logarithms of power, or anything that rises with it.
    lengths, block
        As `mask_random`.
    ratio : float
        Share of the blocks that begin within a clip, rounded to whole blocks.
    """
    frames, bands = features.shape[2:]
    keep = keep_frames(lengths, frames)[:, None, :, None].expand_as(features).float()
    edges = (0, -bands % block, 0, -frames % block)
    sums, cells = (F.avg_pool2d(F.pad(x, edges), block) for x in (features.detach().float().cpu() * keep, keep))
    scores = (sums / cells.clamp_min(1e-9)).squeeze(1)
    return _mask_highest(scores, lengths, (frames, bands), block=block, ratio=ratio)


def mask_grid(lengths: Tensor, shape: tuple[int, int], *, block: int, ratio: float, generator: Generator) -> Tensor:
    """Return which cells stay when squares at even distances are blanked; see `mask_random`.

    One square of `block` by `block` cells stands in every square of `block / sqrt(ratio)`, so that the share blanked
    is the ratio on average. Where the grid begins is drawn for each clip.
    """
    pitch = block / math.sqrt(ratio)
    shifts = torch.rand(len(lengths), 2, generator=generator) * pitch
    inside = [
        torch.remainder(torch.arange(size) + shifts[:, axis, None], pitch) < block for axis, size in enumerate(shape)
    ]
    return 1.0 - (inside[0][:, None, :, None] & inside[1][:, None, None, :]).float()


def seed_mask(features: Tensor) -> Generator:
    """Return a generator seeded by one clip's own values (frame, band), so that its mask is always the same."""
    return torch.Generator().manual_seed(zlib.crc32(features.detach().float().cpu().contiguous().numpy().tobytes()))


class BlockMask(Gate):
    """Blank blocks of standardised features, in training alone unless told otherwise.

    Parameters
    ----------
    masking : {"learned", "random", "grid", "high-energy", "none"}
        "learned": blocks are drawn as in "random", but ratio and size are parameters. A block with a score drawn
        evenly from 0 to 1 is blanked by the share sigmoid((ratio - score) / 0.05), a soft threshold; a size between
        two whole numbers blends the masks of both. So both receive gradients through every cell (our reading; the
        paper says only that they are optimised by back-propagation).
    block : float
        Frames, and bands, of a block, 2 to 20; a whole number unless learned.
    ratio : float
        Share of the cells that is blanked, 0.05 to 0.95; on average where blocks are drawn.
    start : {"random", "given"}
        Where learned numbers begin: drawn within their bounds (the paper), or at `block` and `ratio`.
    at_test : bool
        Mask in evaluation too, drawn for each clip by its own values.

    Raises
    ------
    OptionError
        When a setting is out of range.
    """

    weighs_cells = False  # it blanks an input at random, which tells nothing about what matters

    def __init__(
        self,
        masking: Masking = "learned",
        *,
        block: float = 10.0,
        ratio: float = 0.5,
        start: Start = "random",
        at_test: bool = False,
    ) -> None:
        super().__init__()
        _check_settings(masking, block, ratio, start)
        self.masking, self.at_test = masking, at_test
        self.fixed_block, self.fixed_ratio = block, ratio
        if masking == "learned":
            spans = ((ratio, RATIOS), (block, BLOCKS))
            given = torch.tensor([(value - low) / (high - low) for value, (low, high) in spans])
            shares = given if start == "given" else torch.rand(2) * 0.8 + 0.1
            # A sigmoid keeps both within their bounds; 0.999 keeps its inverse finite.
            logits = torch.logit(shares.clamp(0.001, 0.999))
            self.ratio_logit, self.block_logit = (nn.Parameter(value.clone()) for value in logits)

    @property
    def ratio(self) -> Tensor | float:
        """Share of the cells that is blanked; within 0.05 and 0.95 where it is learned."""
        if self.masking != "learned":
            return self.fixed_ratio
        return RATIOS[0] + (RATIOS[1] - RATIOS[0]) * torch.sigmoid(self.ratio_logit.float())

    @property
    def block(self) -> Tensor | float:
        """Frames, and bands, of a block; within 2 and 20 where it is learned."""
        if self.masking != "learned":
            return self.fixed_block
        return BLOCKS[0] + (BLOCKS[1] - BLOCKS[0]) * torch.sigmoid(self.block_logit.float())

    @property
    def mixture(self) -> dict[str, float]:
        """Ratio and block size where they are learned."""
        if self.masking != "learned":
            return {}
        with torch.no_grad():
            return {"ratio": float(self.ratio), "block": float(self.block)}

    @property
    def is_active(self) -> bool:
        """Whether a pass would be masked now."""
        return self.masking != "none" and (self.training or self.at_test)

    def forward(self, features: Tensor, lengths: Tensor | None = None, *, energy: Tensor | None = None) -> Tensor:
        """Return features (clip, 1, frame, band) with blocks set to 0, each band's mean.

        Parameters
        ----------
        features : Tensor
            Standardised.
        lengths : Tensor of int, shape (clip,), optional
        energy : Tensor, optional
            What tells the loudest blocks, of the same shape; `features` by default.
        """
        if not self.is_active:
            return features
        energy = features if energy is None else energy
        keep = self._draw(energy, lengths) if self.training else self._draw_by_clip(energy, lengths)
        self.tell("spatial", keep)
        return features * keep.to(features)

    def _draw_by_clip(self, energy: Tensor, lengths: Tensor | None) -> Tensor:
        """Return a mask for each clip as it would be alone and unpadded, so that neither batch nor padding matters."""
        masks = []
        for number, clip in enumerate(energy):
            frames = clip.shape[1] if lengths is None else int(lengths[number])
            own = clip[None, :, :frames]
            mask = self._draw(own, None, generator=seed_mask(own[0, 0]))
            masks.append(F.pad(mask, (0, 0, 0, clip.shape[1] - frames), value=1.0))
        return torch.cat(masks)

    def _draw(self, energy: Tensor, lengths: Tensor | None, *, generator: Generator | None = None) -> Tensor:
        """Return a mask, on the CPU but for the learned one; drawn from torch's own generator by default."""
        clips, _, *shape = energy.shape
        sizes = (shape[0], shape[1])
        counts = torch.full((clips,), sizes[0]) if lengths is None else lengths.cpu()
        generator = generator or torch.default_generator
        if self.masking == "learned":
            return self._draw_learned(clips, sizes, generator=generator)
        block, ratio = int(self.fixed_block), self.fixed_ratio
        if self.masking == "high-energy":
            return mask_loudest(energy.detach().cpu(), counts, block=block, ratio=ratio)
        draw = mask_grid if self.masking == "grid" else mask_random
        return draw(counts, sizes, block=block, ratio=ratio, generator=generator)

    def _draw_learned(self, clips: int, shape: tuple[int, int], *, generator: Generator) -> Tensor:
        """Return the blend of two soft masks, of the whole sizes around the learned one; differentiable in both."""
        ratio, block = torch.as_tensor(self.ratio), torch.as_tensor(self.block)
        smaller = min(int(block.detach()), int(BLOCKS[1]) - 1)
        share = block - smaller
        # One draw for the finest blocks serves all sizes, so that how much is drawn does not depend on the size.
        finest = [math.ceil(size / BLOCKS[0]) for size in shape]
        scores = torch.rand(clips, *finest, generator=generator).to(ratio.device)
        masks = []
        for size in (smaller, smaller + 1):
            rows, columns = (math.ceil(cells / size) for cells in shape)
            blanked = torch.sigmoid((ratio - scores[:, :rows, :columns]) / SOFTNESS)
            masks.append(_spread_blocks(blanked, shape, size))
        return 1.0 - torch.lerp(masks[0], masks[1], share)


def _mask_highest(scores: Tensor, lengths: Tensor, shape: tuple[int, int], *, block: int, ratio: float) -> Tensor:
    """Blank the blocks with the highest scores (clip, row, column) among those that begin within the clip."""
    rows = (lengths + block - 1) // block
    own = keep_frames(rows, scores.shape[1])[:, :, None].expand_as(scores)
    ranks = scores.masked_fill(~own, -torch.inf).flatten(1).argsort(stable=True, dim=1, descending=True).argsort(1)
    count = (ratio * rows * scores.shape[2]).round().long()
    return 1.0 - _spread_blocks((ranks < count[:, None]).float().view_as(scores), shape, block)


def _spread_blocks(blocks: Tensor, shape: tuple[int, int], size: int) -> Tensor:
    """Write values of blocks (clip, row, column) to their cells, shape (clip, 1, frame, band)."""
    cells = blocks.repeat_interleave(size, 1).repeat_interleave(size, 2)
    return cells[:, None, : shape[0], : shape[1]]


def _check_settings(masking: str, block: float, ratio: float, start: str) -> None:
    if masking not in get_args(Masking):
        raise OptionError(f"masking {masking}", "is not known", f"choose one of {', '.join(get_args(Masking))}")
    if start not in get_args(Start):
        raise OptionError(f"mask_start {start}", "is not known", "choose random or given")
    for name, value, (low, high) in (("block", block, BLOCKS), ("ratio", ratio, RATIOS)):
        if not isinstance(value, int | float) or not low <= value <= high:
            raise OptionError(f"{name} {value}", "is out of range", f"give a number from {low:g} to {high:g}")
    if masking != "learned" and block != int(block):
        raise OptionError(f"block {block:g}", "is no whole number", "give one, or choose learned masking")
