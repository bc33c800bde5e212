"""The conditional GAN: spectrogram picture to frame."""
