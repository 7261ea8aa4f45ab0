"""`theory.clock` for compiled code."""

from theory.clock import decay_time_at as _decay_time_at
from theory.clock import log_rate as _log_rate
from theory.compiled import inlined

decay_time_at = inlined(_decay_time_at)
log_rate = inlined(_log_rate)
