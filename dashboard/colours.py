"""Colours that colour-blind people tell apart, readable on light and dark: Okabe and Ito (2008), and cividis."""

BLUE, ORANGE, GREEN, VERMILION = "#0072B2", "#E69F00", "#009E73", "#D55E00"
SKY, PURPLE, GREY = "#56B4E9", "#CC79A7", "#7F7F7F"
DECISIONS = {"approve": BLUE, "refer": ORANGE, "decline": VERMILION}
_CIVIDIS = ("#00224E", "#35456C", "#666970", "#948E77", "#C8B866", "#FEE838")


def band_colours(bands: list[str]) -> dict[str, str]:
    """A colour for each band, from the safest on; more bands than colours share the last one."""
    # The first is too dark for a dark page.
    shades = _CIVIDIS[1:]
    last = len(shades) - 1
    step = last / max(1, len(bands) - 1)
    return {band: shades[min(last, round(place * step))] for place, band in enumerate(bands)}
