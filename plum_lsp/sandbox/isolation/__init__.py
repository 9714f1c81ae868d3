"""How a jail is isolated: tiers, system calls, control groups. It makes plans only. `launching` starts them."""
