"""What analyses hand to figures and tables: frozen dataclasses of numpy and pandas, free of torch."""

from esclab.results.attention import AttentionLayer, AttentionResult
from esclab.results.course import DurationsResult, TrajectoryResult
from esclab.results.embedding import ConfusionSeriesResult, EmbeddingResult
from esclab.results.explain import AttributionMap, AttributionResult, FaithfulnessResult, TrustResult
from esclab.results.noise import ActivationShareResult, RobustnessResult, SensitivityResult
from esclab.results.pictures import GalleryResult, GridResult, GridRow, TimeFrequencyMap
from esclab.results.region import WHOLE_CLIP, Region
from esclab.results.scores import (
    AccuracyResult,
    CalibrationResult,
    ConfusionResult,
    LearningResult,
    Predictions,
    ReliabilityResult,
    ScoreChangeResult,
)
from esclab.results.votes import VoteResult

__all__ = [
    "WHOLE_CLIP",
    "AccuracyResult",
    "ActivationShareResult",
    "AttentionLayer",
    "AttentionResult",
    "AttributionMap",
    "AttributionResult",
    "CalibrationResult",
    "ConfusionResult",
    "ConfusionSeriesResult",
    "DurationsResult",
    "EmbeddingResult",
    "FaithfulnessResult",
    "GalleryResult",
    "GridResult",
    "GridRow",
    "LearningResult",
    "Predictions",
    "Region",
    "ReliabilityResult",
    "RobustnessResult",
    "ScoreChangeResult",
    "SensitivityResult",
    "TimeFrequencyMap",
    "TrajectoryResult",
    "TrustResult",
    "VoteResult",
]
