"""What people wrote down about the limits of their models' metrics, and what a number comes to under it. Pure."""
