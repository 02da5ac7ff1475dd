"""Elements that several pictures are made of; colours and sizes are left to the page."""

from xml.etree import ElementTree as ET


def text(parent: ET.Element, x: float, y: float, words: str, css: str) -> ET.Element:
    """Add words at a place, and return their element."""
    element = ET.SubElement(parent, "text", {"class": css, "x": f"{x:.1f}", "y": f"{y:.1f}"})
    element.text = words
    return element


def grid_line(parent: ET.Element, x1: float, y1: float, x2: float, y2: float) -> None:
    """Add a line of the grid behind a picture."""
    place = {"x1": f"{x1:.0f}", "y1": f"{y1:.0f}", "x2": f"{x2:.0f}", "y2": f"{y2:.0f}"}
    ET.SubElement(parent, "line", {"class": "grid", **place})
