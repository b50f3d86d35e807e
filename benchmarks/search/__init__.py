"""How fast the search box answers, and what the ids it finds messages by cost a worker."""
