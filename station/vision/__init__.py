"""From a picture to findings: reading it whole, judging it, running a model folder's detector on it."""

from station.vision.annotate import annotate
from station.vision.detector import DetectionResult, Detector
from station.vision.faults import DetectorFault, ModelError, PictureFault
from station.vision.folder import NO_GATE, NOT_SHOWN, ModelFolder
from station.vision.gate import quality, quality_fault
from station.vision.load import load_detector, load_model
from station.vision.picture import read_picture

__all__ = [
    "NOT_SHOWN",
    "NO_GATE",
    "DetectionResult",
    "Detector",
    "DetectorFault",
    "ModelError",
    "ModelFolder",
    "PictureFault",
    "annotate",
    "load_detector",
    "load_model",
    "quality",
    "quality_fault",
    "read_picture",
]
