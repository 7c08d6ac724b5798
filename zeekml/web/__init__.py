"""What zeekml's pages have in common: a frame that asks nothing of the network, a style, and text that stays text."""

from zeekml.web.frame import DARK, STYLE, resource, text, whole_page

__all__ = ["DARK", "STYLE", "resource", "text", "whole_page"]
