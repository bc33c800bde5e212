"""From score to film: recipe, engines, blends, effects, encoder, segments, pipeline."""
