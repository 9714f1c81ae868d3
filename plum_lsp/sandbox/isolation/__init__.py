"""How a jail is walled in: tiers, system calls, control groups. Plans only; `launching` starts them."""
