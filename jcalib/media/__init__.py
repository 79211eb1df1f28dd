"""Containers to frames and soundtrack on one clock, and back; pictures. NumPy arrays at the surface.

The clock is the container's own: a frame's time is its presentation time stamp in seconds, and position n of
a soundtrack at `rate` is the sound at n / rate seconds, whenever the first sample was recorded.
"""

from jcalib.media.containers import Probe, frame_times, has_pictures, probe, read_frames
from jcalib.media.detectors import Cascades, Detector, Face, Yunet, find_detector
from jcalib.media.faces import FaceFrame, read_faces, write_faces
from jcalib.media.pictures import align_face, fit_picture, read_picture, write_picture
from jcalib.media.sound import cut_windows, has_sound, read_sound, sound_end, sound_windows
from jcalib.media.writing import write_timed, write_video

__all__ = [
    "Cascades",
    "Detector",
    "Face",
    "FaceFrame",
    "Probe",
    "Yunet",
    "align_face",
    "cut_windows",
    "find_detector",
    "fit_picture",
    "frame_times",
    "has_pictures",
    "has_sound",
    "probe",
    "read_faces",
    "read_frames",
    "read_picture",
    "read_sound",
    "sound_end",
    "sound_windows",
    "write_faces",
    "write_picture",
    "write_timed",
    "write_video",
]
