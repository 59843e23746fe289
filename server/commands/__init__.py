"""The commands of `reelgraph`, one module each."""
