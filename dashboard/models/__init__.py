"""The page Model: card, scorecard, champion beside challenger."""
