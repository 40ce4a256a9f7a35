"""What every room needs and nothing else: errors, text folding, identifiers, whole files,
the working-time clock.

May import nothing of the house; every room may import it.
"""
