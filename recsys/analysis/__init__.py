"""What shoppers do in a shop, counted: every figure with its definition beside it."""
