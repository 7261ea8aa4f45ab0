"""Linear nets: their flow in closed form, the times of modes, the escape of depth."""
