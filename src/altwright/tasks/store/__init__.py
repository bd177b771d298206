"""All SQL on tasks.

A task's status is written by ``transitions`` alone (but ``repair``, for rows in no known state).
Its row is begun by ``insertion``; counts and the lease of a running one are ``item_statements``'
and ``claims``', its place in the queue ``claim_order``'s and ``backlog``'s. The others read.
"""
