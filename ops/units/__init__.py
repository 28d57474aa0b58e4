"""An installation under a service manager: one user per zone, one unit per process, folders owned by who needs them.

``ownership`` says who owns which folder, ``service_unit`` writes a hardened unit, ``bundle`` puts the files together.
All pure: names in, text out.
"""
