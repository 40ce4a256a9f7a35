"""What every room needs and nothing else: errors, text folding, identifiers, whole files, spreadsheets,
the working-time clock.

May import nothing of the house; every room may import it.
"""
