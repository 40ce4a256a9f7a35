"""What the sites need: busy-hour rates of links, channels by Erlang B, storage by year.

Every coefficient is named, sourced and editable. Imports ``core`` and the room's own errors.
"""
