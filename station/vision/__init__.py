"""From a picture to findings."""
