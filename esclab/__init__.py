"""esclab: see, hear and measure what a neural network does with a sound."""

__version__ = "0.1.0"
