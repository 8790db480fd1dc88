"""Radiographs that no patient ever had: drawn, checked against copying, and marked."""
