"""What the parts reach, measured: accuracy, quality and speed, each value beside its bar."""
