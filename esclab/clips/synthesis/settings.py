"""What decides how hard the synthetic dataset is, in one place.

Change a number here, raise `GENERATOR_VERSION`, and every dataset already on the disk is made anew at its next use.
"""

from __future__ import annotations

GENERATOR_VERSION = 2

SAMPLE_RATE = 44_100
DURATION_S = 5.0
CLIP_SAMPLES = round(SAMPLE_RATE * DURATION_S)

# Power of the events while they sound over that of the background in the events' own band.
SNR_DB = (-9.0, 15.0)
# Slope of the recording chain, drawn once a source; it tilts events and background alike.
TILT_DB_PER_OCTAVE = (-1.0, 1.0)
# Height of the chain's three random peaks and dips.
PEAK_DB = (-4.0, 4.0)
# Unlabelled clicks, beeps, sweeps and bursts in a clip: fewest and most, and their level re the events.
DISTRACTORS = (0, 3)
DISTRACTOR_DB = (-14.0, -2.0)
# Loudness of the finished clip, re full scale, and the peak that it never passes.
LEVEL_DB = (-28.0, -25.0)
PEAK = 0.89
# Fade at both edges of a clip.
EDGE_S = 0.02
