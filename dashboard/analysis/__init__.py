"""The drift analysis of a period: figures, pictures and sentences, as the notebook shows them."""
