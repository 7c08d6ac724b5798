"""What survives a crash: snapshots of the state, and the journal of what came since."""
