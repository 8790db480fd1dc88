"""The sentence that stands on every screen, in every export and on every card."""

NOTICE = "Research and teaching only. Not for diagnostic use."
