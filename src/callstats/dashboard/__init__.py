"""What went wrong, for whom, on which leg? The pages that show it to people in a browser."""

from callstats.dashboard.app import routes
from callstats.dashboard.sign_in import sign_in_path

__all__ = ["routes", "sign_in_path"]
