"""The unconditional GAN: seed to still."""
