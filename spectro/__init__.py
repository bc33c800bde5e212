"""From sound to score: curves, spectrogram windows, controls a frame. No torch."""
