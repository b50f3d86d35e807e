"""Rim. The processes: intake, workers, recovery, reload, supervision."""
