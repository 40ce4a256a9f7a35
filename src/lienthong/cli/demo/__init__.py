"""``lienthong demo``: the reference province, Vĩnh Long 2017, at work on one machine.

``play`` is the story, ``papers`` what is written in it, ``clerks`` the agencies that act in it; ``command``
is the command. Imported by ``cli.app`` only.
"""
