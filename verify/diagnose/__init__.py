"""A net, its data and a folder of checkpoints, measured against what theory says of training."""

from verify.diagnose.recorder import Recorder
from verify.diagnose.run import Diagnosis, diagnose

__all__ = ["Diagnosis", "Recorder", "diagnose"]
