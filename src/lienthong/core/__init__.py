"""What every room needs and nothing else: errors, text folding, identifiers, the working-time clock.

May import nothing of the house; every room may import it.
"""
