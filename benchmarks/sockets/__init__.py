"""How many open pages a server holds, what each costs, and how soon it is told."""
